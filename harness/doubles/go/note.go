package main

import (
	"context"
	"fmt"

	"github.com/neo4j/neo4j-go-driver/v5/neo4j"
)

// note leaves a trace in a store that keeps data, as whatever the software writes at its start: a row, for which it needs the
// right to make tables, or a node.
func (s *Store) note(ctx context.Context, component string) error {
	switch {
	case s.db != nil:
		return s.noteRow(ctx, component)
	case s.graph != nil:
		_, err := neo4j.ExecuteQuery(ctx, s.graph, "CREATE (:IndigoDouble {component: $component, started: datetime()})",
			map[string]any{"component": component}, neo4j.EagerResultTransformer)
		return err
	}
	return nil
}

func (s *Store) noteRow(ctx context.Context, component string) error {
	for _, statement := range []string{
		"CREATE TABLE IF NOT EXISTS indigo_double (id INT AUTO_INCREMENT PRIMARY KEY, component VARCHAR(64), started DATETIME)",
		"INSERT INTO indigo_double (component, started) VALUES ('" + component + "', UTC_TIMESTAMP())",
	} {
		if _, err := s.db.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("%s: %w", s.Name, err)
		}
	}
	return nil
}
