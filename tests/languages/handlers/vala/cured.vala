void main() {
    string? line;
    while ((line = stdin.read_line()) != null) {
        stdout.printf("{\"echo\":%s}\n", line);
        stdout.flush();
    }
}
