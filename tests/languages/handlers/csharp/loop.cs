using System;

class Handler {
    static void Main() {
        string line;
        while ((line = Console.ReadLine()) != null) {
            Console.WriteLine("{\"echo\":" + line + "}");
        }
    }
}
