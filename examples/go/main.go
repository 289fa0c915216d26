// Answers with the words of a text, each with how often it occurs.
package main

import (
	"encoding/json"
	"log"
	"os"
	"strings"
)

type event struct {
	Text string `json:"text"`
}

func main() {
	in, out := json.NewDecoder(os.Stdin), json.NewEncoder(os.Stdout) // Stdout has no buffer
	for in.More() {
		var e event
		if err := in.Decode(&e); err != nil {
			log.Fatal(err) // goes to stderr, and ends the process: the event's error
		}
		count := map[string]int{}
		for _, word := range strings.Fields(strings.ToLower(e.Text)) {
			count[word]++
		}
		if err := out.Encode(count); err != nil {
			log.Fatal(err)
		}
	}
}
