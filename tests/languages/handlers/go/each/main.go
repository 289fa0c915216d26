package main

import (
	"bufio"
	"fmt"
	"os"
	"time"
)

func main() {
	reader := bufio.NewReader(os.Stdin)
	for {
		line, err := reader.ReadString('\n')
		if err != nil {
			return
		}
		go func() {
			time.Sleep(20 * time.Millisecond)
			fmt.Printf("{\"echo\":%s}\n", line[:len(line)-1])
		}()
	}
}
