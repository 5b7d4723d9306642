#include "config/settings.h"

#include "failure.h"
#include "fuzz.h"

namespace leash::fuzz {
namespace {

void read_table(tool::ConfigTable table) {
    for (const std::string& key : table.keys()) {
        must(table.place(key).starts_with("file:"), "a key has a place");
        const auto attempt = [&](auto read) {
            try {
                read();
            } catch (const tool::Failure& failure) {
                must(std::string_view(failure.what()).starts_with("file:"),
                     "what is wrong has a place");
            }
        };
        attempt([&] { (void)table.text(key); });
        attempt([&] { (void)table.number(key); });
        attempt([&] { (void)table.boolean(key); });
        attempt([&] { (void)table.duration(key); });
        attempt([&] { (void)table.texts(key); });
        attempt([&] { (void)table.table(key).keys(); });
    }
    table.refuse_others();
}

}  // namespace
}  // namespace leash::fuzz

FUZZ_TARGET(config) {
    try {
        const tool::Config config = tool::Config::parse(Input(data, size).rest(), "file");
        read_table(config.root().table("health"));
        tool::Settings::read({config}, {});
    } catch (const tool::Failure& failure) {
        must(std::string_view(failure.what()).starts_with("file:"), "what is wrong has a place");
    }
}
