module indigo-paas/doubles

go 1.27.0

require (
	github.com/go-sql-driver/mysql v1.9.3
	github.com/neo4j/neo4j-go-driver/v5 v5.28.4
	github.com/twmb/franz-go v1.22.2
	github.com/twmb/franz-go/pkg/kmsg v1.15.0
	go.yaml.in/yaml/v3 v3.0.4
)

require (
	filippo.io/edwards25519 v1.1.0 // indirect
	github.com/klauspost/compress v1.20.3 // indirect
	github.com/pierrec/lz4/v4 v4.1.33 // indirect
)
