package main

import (
	"fmt"
	"io"
	"os"
)

func main() {
	event, _ := io.ReadAll(os.Stdin)
	fmt.Printf("{\"echo\":%s}\n", event)
}
