// Answers with the length of the event and its FNV-1a checksum.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/types.h>

int main(void) {
    char *line = NULL;
    size_t size = 0;
    ssize_t length;

    setvbuf(stdout, NULL, _IOLBF, 0); // flush each line: stdout is a pipe
    while ((length = getline(&line, &size, stdin)) > 0) {
        uint32_t sum = 2166136261u;
        while (length > 0 && (line[length - 1] == '\n' || line[length - 1] == ' '))
            length--;
        for (ssize_t at = 0; at < length; at++)
            sum = (sum ^ (unsigned char)line[at]) * 16777619u;
        printf("{\"bytes\":%zd,\"fnv1a\":\"%08" PRIx32 "\"}\n", length, sum);
    }
    free(line);
    return 0;
}
