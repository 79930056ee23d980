package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"sort"
	"strings"

	"go.yaml.in/yaml/v3"
)

// A file of settings is read as a tree. Its leaves are looked up by their path: `spring.jta.log-dir` is the same written as one
// key or as three, and `[https://iam.example.org/]` is one step, as in Spring Boot. A name of the contract may end above a
// leaf (all of a section) and may hold `*` (one step that a site names).

// leaf is one value of such a file.
type leaf struct {
	steps []string
	value string
}

func (l leaf) name() string { return strings.Join(l.steps, ".") }

// check returns every problem of the file; one that is not there is a problem where a setting of it is required.
func (c Config) check(title string, env map[string]string) []string {
	content, err := os.ReadFile(c.Path)
	if errors.Is(err, fs.ErrNotExist) && len(c.required()) == 0 {
		return nil
	}
	if err != nil {
		return []string{fmt.Sprintf("the file %s cannot be read: %v", c.Path, err)}
	}
	var tree any
	if err := yaml.Unmarshal(content, &tree); err != nil { // JSON is YAML, too
		return []string{fmt.Sprintf("the file %s cannot be parsed: %v", c.Path, err)}
	}
	var problems []string
	leaves := flatten(nil, tree, env)
	for _, found := range leaves {
		name, setting := c.lookup(found)
		switch {
		case name == "":
			problems = append(problems, fmt.Sprintf("%s: %s is no setting of %s%s", c.Path, found.name(), title, near(found.name(), c.names())))
		case setting.wrong(found.value) != "":
			problems = append(problems, fmt.Sprintf("%s: %s %s", c.Path, found.name(), setting.wrong(found.value)))
		}
	}
	for _, name := range c.required() {
		if !contains(leaves, name) {
			problems = append(problems, fmt.Sprintf("%s: %s is not set and has no default", c.Path, name))
		}
	}
	return append(problems, c.keys(leaves)...)
}

// learn makes what the file says known under the names of its keys, and the keys of a site's choice (`a.*`) as a JSON list.
func (c Config) learn(env map[string]string) {
	var tree any
	content, err := os.ReadFile(c.Path)
	if err != nil || yaml.Unmarshal(content, &tree) != nil {
		return
	}
	chosen := map[string][]string{}
	for _, found := range flatten(nil, tree, env) {
		if _, set := env[found.name()]; !set {
			env[found.name()] = found.value
		}
		for name := range c.Settings {
			steps := strings.Split(name, ".")
			if key := len(steps) - 1; c.isKey(name) && covers(steps, found.steps) && !slices.Contains(chosen[name], found.steps[key]) {
				chosen[name] = append(chosen[name], found.steps[key])
			}
		}
	}
	for name, keys := range chosen {
		written, _ := json.Marshal(keys)
		env[name] = string(written)
	}
}

func (c Config) names() []string { return append(sorted(c.Settings), c.Also...) }

func (c Config) required() []string {
	var names []string
	for _, name := range sorted(c.Settings) {
		if c.Settings[name].Required {
			names = append(names, name)
		}
	}
	return names
}

// lookup returns the setting that a leaf is or lies in, the longest name first; a section has no pattern to fit.
func (c Config) lookup(found leaf) (string, Setting) {
	names := c.names()
	sort.Slice(names, func(i, j int) bool { return len(names[i]) > len(names[j]) })
	for _, name := range names {
		if covers(strings.Split(name, "."), found.steps) {
			setting := c.Settings[name]
			if len(strings.Split(name, ".")) < len(found.steps) || c.isKey(name) {
				setting = Setting{}
			}
			return name, setting
		}
	}
	return "", Setting{}
}

// isKey tells whether a name stands for a key that a site chooses, such as an issuer: other settings lie below it.
func (c Config) isKey(name string) bool {
	for other := range c.Settings {
		if strings.HasSuffix(name, ".*") && strings.HasPrefix(other, name+".") {
			return true
		}
	}
	return false
}

// keys returns the keys of a site's choice that are not written as they have to be.
func (c Config) keys(leaves []leaf) []string {
	var problems []string
	said := map[string]bool{}
	for _, name := range sorted(c.Settings) {
		steps := strings.Split(name, ".")
		for _, found := range leaves {
			if !c.isKey(name) || !covers(steps, found.steps) {
				continue
			}
			key := found.steps[len(steps)-1]
			if matched, err := regexp.MatchString(c.Settings[name].Pattern, key); (err != nil || !matched) && !said[key] {
				said[key] = true
				problems = append(problems, fmt.Sprintf("%s: the key %q in %s is no %s", c.Path, key, strings.TrimSuffix(name, ".*"), c.Settings[name].Type))
			}
		}
	}
	return problems
}

func contains(leaves []leaf, name string) bool {
	for _, found := range leaves {
		if covers(strings.Split(name, "."), found.steps) {
			return true
		}
	}
	return false
}

// covers tells whether a name is a leaf's path or the begin of it.
func covers(name, steps []string) bool {
	if len(name) > len(steps) {
		return false
	}
	for index, step := range name {
		if step != "*" && step != steps[index] {
			return false
		}
	}
	return true
}

func flatten(steps []string, tree any, env map[string]string) []leaf {
	node, isMap := tree.(map[string]any)
	if !isMap || len(node) == 0 {
		if len(steps) == 0 {
			return nil
		}
		text, isText := tree.(string)
		if tree != nil && !isMap && !isText {
			written, _ := json.Marshal(tree) // what YAML has beside maps, JSON has as well
			text = string(written)
		}
		return []leaf{{steps, expand(text, env)}}
	}
	var leaves []leaf
	for _, key := range sorted(node) {
		next := strings.Split(key, ".")
		if strings.HasPrefix(key, "[") && strings.HasSuffix(key, "]") {
			next = []string{strings.Trim(key, "[]")}
		}
		leaves = append(leaves, flatten(append(append([]string{}, steps...), next...), node[key], env)...)
	}
	return leaves
}
