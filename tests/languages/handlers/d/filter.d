import std.array, std.stdio;

void main() {
    auto text = appender!(char[]);
    foreach (chunk; stdin.byChunk(65536))
        text ~= cast(char[]) chunk;
    writeln(`{"echo":`, text[], `}`);
}
