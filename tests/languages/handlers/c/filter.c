#include <stdio.h>

static char event[8 << 20];

int main(void) {
    size_t length = fread(event, 1, sizeof event - 1, stdin);
    event[length] = 0;
    printf("{\"echo\":%s}\n", event);
    return 0;
}
