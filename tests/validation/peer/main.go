// Command peer answers what Kubernetes' own packages say of CustomResourceDefinitions and custom resources.
//
// Each line on standard input is a question in JSON, each line on standard output its answer, in the same order.
// Rules in CEL are left to the questions: who wants none asks with schemas that have none.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"

	"k8s.io/apimachinery/pkg/util/validation/field"
)

// question is one line of input.
//
// With only a definition, the question is what is wrong with it; former is the definition it replaces. With keep, it
// is remembered under that name if nothing is. With of, the question is about an object of a definition that was
// kept; former is then the object it replaces, and status says that it came through that subresource.
type question struct {
	Definition json.RawMessage `json:"definition,omitempty"`
	Keep       string          `json:"keep,omitempty"`
	Of         string          `json:"of,omitempty"`
	Version    string          `json:"version,omitempty"`
	Object     json.RawMessage `json:"object,omitempty"`
	Former     json.RawMessage `json:"former,omitempty"`
	Status     bool            `json:"status,omitempty"`
}

// answer is one line of output. Refused is set where a body cannot even be read.
type answer struct {
	Refused string                 `json:"refused,omitempty"`
	Unknown []string               `json:"unknown,omitempty"`
	Object  map[string]interface{} `json:"object,omitempty"`
	Causes  []cause                `json:"causes,omitempty"`
}

type cause struct {
	Reason  string `json:"reason"`
	Field   string `json:"field"`
	Message string `json:"message"`
}

func causes(errs field.ErrorList) []cause {
	found := make([]cause, 0, len(errs))
	for _, err := range errs {
		found = append(found, cause{Reason: string(err.Type), Field: err.Field, Message: err.ErrorBody()})
	}
	return found
}

func main() {
	ctx := context.Background()
	kept := map[string]*definition{}
	input := bufio.NewReaderSize(os.Stdin, 1<<20)
	output := bufio.NewWriterSize(os.Stdout, 1<<20)
	defer output.Flush()
	lines := json.NewDecoder(input)
	answers := json.NewEncoder(output)
	answers.SetEscapeHTML(false)
	for lines.More() {
		var asked question
		if err := lines.Decode(&asked); err != nil {
			fmt.Fprintln(os.Stderr, "a question cannot be read:", err)
			os.Exit(1)
		}
		if err := answers.Encode(reply(ctx, kept, asked)); err != nil {
			fmt.Fprintln(os.Stderr, "an answer cannot be written:", err)
			os.Exit(1)
		}
	}
}

func reply(ctx context.Context, kept map[string]*definition, asked question) answer {
	if asked.Of != "" {
		found, ok := kept[asked.Of]
		if !ok {
			return answer{Refused: "no definition was kept as " + asked.Of}
		}
		return found.object(ctx, asked)
	}
	read, err := readDefinition(asked.Definition)
	if err != nil {
		return answer{Refused: err.Error()}
	}
	said := answer{}
	if asked.Former != nil {
		former, err := readDefinition(asked.Former)
		if err != nil {
			return answer{Refused: err.Error()}
		}
		said.Causes = causes(definitionStrategy.update(ctx, read, former))
	} else {
		said.Causes = causes(definitionStrategy.create(ctx, read))
	}
	if asked.Keep != "" && len(said.Causes) == 0 {
		if kept[asked.Keep], err = compile(read); err != nil {
			return answer{Refused: err.Error()}
		}
	}
	return said
}
