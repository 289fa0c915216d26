package main

import (
	"bufio"
	"fmt"
	"os"
)

func main() {
	scanner := bufio.NewScanner(os.Stdin)
	scanner.Buffer(nil, 8<<20)
	for scanner.Scan() {
		fmt.Printf("{\"echo\":%s}\n", scanner.Text())
	}
}
