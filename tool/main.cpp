#include <clocale>
#include <string>
#include <vector>

#include "app.h"

int main(int argc, char** argv) {
    std::setlocale(LC_CTYPE, "");
    return leash::tool::run_tool(std::vector<std::string>(argv + 1, argv + argc));
}
