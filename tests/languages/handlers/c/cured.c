#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(void) {
    char *line = NULL;
    size_t size = 0;
    setvbuf(stdout, NULL, _IOLBF, 0);
    while (getline(&line, &size, stdin) > 0) {
        line[strcspn(line, "\n")] = 0;
        printf("{\"echo\":%s}\n", line);
    }
    return 0;
}
