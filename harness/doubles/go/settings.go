package main

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"slices"
	"sort"
	"strings"
)

// What Kubernetes, the container runtime and a shell put into every environment.
var foreign = regexp.MustCompile(
	`^(INDIGO_DOUBLE|PATH|HOME|HOSTNAME|PWD|OLDPWD|SHLVL|TERM|LANG|TZ|_|KUBERNETES_.*|.*_SERVICE_(HOST|PORT)(_.*)?|.*_PORT_[0-9]+_(TCP|UDP)(_.*)?)$`)

func environment() map[string]string {
	found := map[string]string{}
	for _, entry := range os.Environ() {
		name, value, _ := strings.Cut(entry, "=")
		found[name] = value
	}
	return found
}

// check returns every problem of the settings, each naming its variable and never the value of a secret.
func (d *Description) check(env map[string]string) []string {
	var problems []string
	for _, name := range sorted(d.Settings) {
		setting := d.Settings[name]
		value, set := env[name]
		switch {
		case !set && setting.Required && !strings.Contains(name, "*"):
			problems = append(problems, fmt.Sprintf("%s is not set and has no default", name))
		case set:
			if wrong := setting.wrong(value); wrong != "" {
				problems = append(problems, name+" "+wrong)
			}
		}
	}
	for _, name := range sorted(env) {
		if !d.knows(name) && !foreign.MatchString(name) {
			problems = append(problems, name+" is no setting of "+d.Title+near(name, sorted(d.Settings)))
		}
	}
	for _, rule := range d.Rules {
		if wrong := rule.wrong(env); wrong {
			problems = append(problems, rule.Setting+": "+rule.Message)
		}
	}
	return problems
}

func (d *Description) knows(name string) bool {
	if _, known := d.Settings[name]; known {
		return true
	}
	for pattern := range d.Settings {
		if start, found := strings.CutSuffix(pattern, "*"); found && strings.HasPrefix(name, start) {
			return true
		}
	}
	return false
}

func (r Rule) wrong(env map[string]string) bool {
	value, set := env[r.Setting]
	if !set {
		return false
	}
	if r.Must != "" {
		matched, err := regexp.MatchString(r.Must, value)
		return err != nil || !matched
	}
	if r.Is != "" && value != r.Is {
		return false
	}
	return slices.ContainsFunc(r.Needs, func(name string) bool { return env[name] == "" })
}

func (s Setting) wrong(value string) string {
	said := fmt.Sprintf("is %q, which", value)
	if s.Secret {
		said = "has a value that"
	}
	if value == "" {
		if s.Required && (s.Pattern != "" || s.Secret || len(s.Allowed) > 0) {
			return "is empty"
		}
		return "" // a text may be empty; whatever else is empty counts as unset
	}
	if len(s.Allowed) > 0 && !slices.Contains(s.Allowed, value) {
		return fmt.Sprintf("%s is none of %s", said, strings.Join(s.Allowed, ", "))
	}
	if s.Pattern != "" {
		if matched, err := regexp.MatchString(s.Pattern, value); err != nil || !matched {
			return fmt.Sprintf("%s is no %s", said, s.Type)
		}
	}
	if s.Type == "json" && !json.Valid([]byte(value)) {
		return said + " is no JSON"
	}
	return ""
}

// files returns the files that are missing or cannot be read.
func (d *Description) files(env map[string]string) []string {
	var problems []string
	for _, file := range d.Files {
		path := strings.TrimPrefix(expand(file.Path, env), "file:")
		content, err := os.ReadFile(path)
		if err != nil {
			problems = append(problems, fmt.Sprintf("the file %s cannot be read: %v", path, err))
		} else if file.JSON && !json.Valid(content) {
			problems = append(problems, fmt.Sprintf("the file %s is no JSON", path))
		}
	}
	return problems
}

var reference = regexp.MustCompile(`\$\{([A-Za-z0-9_.*-]+)(?::([^}]*))?\}`)

// expand replaces ${NAME} and ${NAME:default}.
func expand(text string, env map[string]string) string {
	return reference.ReplaceAllStringFunc(text, func(found string) string {
		parts := reference.FindStringSubmatch(found)
		if value, set := env[parts[1]]; set {
			return value
		}
		return parts[2]
	})
}

func sorted[T any](content map[string]T) []string {
	names := make([]string, 0, len(content))
	for name := range content {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

// near returns which known name a wrong one may mean, in words.
func near(wrong string, known []string) string {
	best, least := "", 4
	for _, name := range known {
		if distance := edits(wrong, name); distance < least {
			best, least = name, distance
		}
	}
	for _, name := range known { // a word is missing at its begin or its end
		if best == "" && (strings.HasPrefix(name, wrong+"_") || strings.HasSuffix(name, "_"+wrong)) {
			best = name
		}
	}
	if best == "" {
		return ""
	}
	return "; did you mean " + best
}

// edits is the least number of letters to insert, delete or replace.
func edits(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		corner := row[0]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			next := min(row[j]+1, row[j-1]+1, corner+cost)
			corner, row[j] = row[j], next
		}
	}
	return row[len(b)]
}
