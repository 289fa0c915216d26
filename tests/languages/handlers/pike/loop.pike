int main() {
    while (string line = Stdio.stdin.gets())
        write("{\"echo\":" + line + "}\n");
}
