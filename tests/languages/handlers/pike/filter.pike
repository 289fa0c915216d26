int main() {
    write("{\"echo\":" + Stdio.stdin.read() + "}\n");
}
