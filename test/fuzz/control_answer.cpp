#include "connection/control_socket.h"
#include "fuzz.h"
#include "source/control_answer.h"

FUZZ_TARGET(control_answer) {
    using namespace leash::tool;
    try {
        const nlohmann::json answer =
            parse_control_answer(std::string(Input(data, size).rest()), "socket");
        (void)answer_text(answer, "error");
        for (const auto& [key, value] : answer.items()) {
            const int number = answer_number(answer, key.c_str());
            must(number == 0 || value == number, "a number is as it came, or none");
        }
        const RawRows raw = rows_of_answer(answer);
        for (const Row& row : raw.rows) {
            must(row.size() == raw.columns.size(), "a row has a cell for each column");
        }
    } catch (const ControlError& error) {
        must(error.what()[0] != '\0', "an error says what is wrong");
    }
}
