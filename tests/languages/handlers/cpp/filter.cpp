#include <iostream>
#include <iterator>
#include <string>

int main() {
    std::string event(std::istreambuf_iterator<char>(std::cin), {});
    std::cout << "{\"echo\":" << event << "}\n";
}
