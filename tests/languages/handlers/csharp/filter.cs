using System;

class Handler {
    static void Main() {
        Console.WriteLine("{\"echo\":" + Console.In.ReadToEnd() + "}");
    }
}
