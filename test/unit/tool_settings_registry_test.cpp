// The registry of settings: files, variables, the example file.
#include <fstream>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agentless/thresholds.h"
#include "config/apply.h"
#include "config/settings.h"
#include "failure.h"
#include "health/settings.h"

namespace leash::tool {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

Settings settings_of(const std::string& text, const std::vector<std::string>& environment = {}) {
    return Settings::read({Config::parse(text, "f")}, environment);
}

std::string refusal_of(const std::string& text, const std::vector<std::string>& environment = {}) {
    try {
        settings_of(text, environment);
    } catch (const Failure& failure) {
        return failure.what();
    }
    return {};
}

std::string text_of(const Settings& settings, std::string_view key) {
    const SettingValue* value = settings.find(key);
    return value == nullptr ? "-" : value->text + " (" + value->origin + ")";
}

TEST(Settings, VariablesWinOverFilesAndLaterFilesOverEarlierOnes) {
    const Settings settings =
        Settings::read({Config::parse("format = 'csv'\ncolor = 'never'\ndsn = 'a'\n", "/etc/f"),
                        Config::parse("\ncolor = 'always'\n", "/home/f")},
                       {"PGLEASH_DSN=b", "HOME=/home"});
    EXPECT_EQ(text_of(settings, "format"), "csv (/etc/f:1)");
    EXPECT_EQ(text_of(settings, "color"), "always (/home/f:2)");
    EXPECT_EQ(text_of(settings, "dsn"), "b (PGLEASH_DSN)");
    EXPECT_THAT(settings.files(), ElementsAre("/etc/f", "/home/f"));
}

TEST(Settings, EverySettingHasAVariable) {
    const Settings settings = settings_of(
        "", {"PGLEASH_HEALTH_TIMEOUT=3s", "PGLEASH_HEALTH_SKIP=worker, slow",
             "PGLEASH_HEALTH_WARNING_CACHE_HIT=0.9:", "PGLEASH_AGENTLESS_IDLE_THRESHOLD=5min"});
    EXPECT_EQ(health_settings(settings).timeout_seconds, 3);
    EXPECT_THAT(health_settings(settings).skip, ElementsAre("worker", "slow"));
    ASSERT_EQ(health_settings(settings).limits.size(), 1U);
    EXPECT_EQ(health_settings(settings).limits[0].check, "cache_hit");
    EXPECT_EQ(health_settings(settings).limits[0].origin, "PGLEASH_HEALTH_WARNING_CACHE_HIT");
    EXPECT_EQ(chosen_thresholds(settings).idle, 300'000'000);
    for (const Setting& setting : registry()) {
        EXPECT_THAT(variable_of(setting.key), testing::MatchesRegex("PGLEASH_[A-Z_]+"));
    }
}

TEST(Settings, WrongValuesNameWhoSaidThem) {
    EXPECT_EQ(refusal_of("format = 'xml'\n"), "f:1:10: format: write table, json or csv");
    EXPECT_EQ(refusal_of("color = true\n"), "f:1:9: color: write a text in quotes");
    EXPECT_EQ(refusal_of("[health.warning]\nleaked = '0.9;'\n"),
              "f:2:10: leaked: write a number such as 0.9, with a colon behind it where lower "
              "values are worse, or off");
    EXPECT_EQ(refusal_of("", {"PGLEASH_FORMAT=xml"}), "PGLEASH_FORMAT: write table, json or csv");
    EXPECT_EQ(refusal_of("", {"PGLEASH_HEALTH_TIMEOUT=10"}),
              "PGLEASH_HEALTH_TIMEOUT: write a duration above zero, such as 90s or 5min");
    EXPECT_EQ(refusal_of("", {"PGLEASH_HEALTH_CRITICAL_LEAKED=many"}),
              "PGLEASH_HEALTH_CRITICAL_LEAKED: write a number such as 0.9, with a colon behind it "
              "where lower values are worse, or off");
}

TEST(Settings, UnknownVariablesAreWarnedOf) {
    const Settings settings =
        settings_of("", {"PGLEASH_HELTH_TIMEOUT=3s", "PGLEASH_XYZ=1", "PGLEASH_CONFIG=/f"});
    EXPECT_THAT(settings.warnings(),
                ElementsAre("there is no setting for the variable PGLEASH_HELTH_TIMEOUT; did you "
                            "mean PGLEASH_HEALTH_TIMEOUT?",
                            "there is no setting for the variable PGLEASH_XYZ; \"pgleash config "
                            "show\" lists them"));
}

TEST(Settings, VariablesOfAServiceInKubernetesAreNone) {
    const Settings settings =
        settings_of("", {"PGLEASH_SERVICE_HOST=10.0.0.1", "PGLEASH_PORT=tcp://10.0.0.1:80",
                         "PGLEASH_PORT_80_TCP_ADDR=10.0.0.1"});
    EXPECT_THAT(settings.warnings(), IsEmpty());
    EXPECT_THAT(settings.values(), IsEmpty());
}

TEST(Settings, AnEmptyVariableSaysNothingButOfListsAndTheDsn) {
    const Settings settings =
        settings_of("dsn = 'a'\nformat = 'csv'\n[health]\nskip = ['worker']\n",
                    {"PGLEASH_DSN=", "PGLEASH_FORMAT=", "PGLEASH_HEALTH_SKIP="});
    EXPECT_EQ(text_of(settings, "dsn"), " (PGLEASH_DSN)");
    EXPECT_EQ(text_of(settings, "format"), "csv (f:2)");
    EXPECT_THAT(settings.find("health.skip")->items, IsEmpty());
}

TEST(Settings, PasswordsAreNeverShown) {
    EXPECT_EQ(without_passwords("postgresql://me:secret@db1/shop"),
              "user=me password=******** dbname=shop host=db1");
    EXPECT_EQ(without_passwords("host=db1 password='my secret' sslpassword=secret"),
              "password=******** host=db1 sslpassword=********");
    EXPECT_EQ(without_passwords("shop"), "shop");
    EXPECT_THAT(without_passwords("password=secret host"), Not(HasSubstr("secret")));
    EXPECT_THAT(refusal_of("dsn = 'password=secret host'\n"), Not(HasSubstr("secret")));
    EXPECT_EQ(refusal_of("dsn = 'password=secret host'\n"),
              "f:1:7: dsn: write a connection string or URI");
}

// --- what options leave open ---------------------------------------------------------

Options applied(const Settings& settings, Options options) {
    apply_settings(settings, options);
    return options;
}

TEST(ApplySettings, OptionsWin) {
    const Settings settings = settings_of(
        "format = 'json'\ncolor = 'never'\n[agentless]\nidle_threshold = '5min'\n"
        "[health]\ntimeout = '3s'\n");
    Options options;
    EXPECT_EQ(applied(settings, options).format, Format::kJson);
    EXPECT_EQ(applied(settings, options).color, ColorChoice::kNever);
    EXPECT_EQ(applied(settings, options).thresholds.idle, 300'000'000);
    EXPECT_EQ(applied(settings, options).health.timeout_seconds, 3);
    options.format_given = options.color_given = true;
    options.thresholds.idle = 1;
    options.health.timeout_seconds = 2;
    EXPECT_EQ(applied(settings, options).format, Format::kTable);
    EXPECT_EQ(applied(settings, options).color, ColorChoice::kAuto);
    EXPECT_EQ(applied(settings, options).thresholds.idle, 1);
    EXPECT_EQ(applied(settings, options).health.timeout_seconds, 2);
}

TEST(ApplySettings, HowManyApplicationsMetricsTellApart) {
    const Settings settings = settings_of("[metrics]\ntop = 7\n");
    Options options;
    EXPECT_EQ(applied(settings, options).metrics.top_applications, 7U);
    options.top_given = true;
    EXPECT_EQ(applied(settings, options).metrics.top_applications, 50U);
    EXPECT_EQ(applied(settings_of("", {"PGLEASH_METRICS_TOP=8"}), {}).metrics.top_applications, 8U);
    EXPECT_EQ(refusal_of("[metrics]\ntop = 0\n"), "f:2:7: top: write a whole number from 1 on");
    EXPECT_EQ(refusal_of("[metrics]\ntop = 1.5\n"), "f:2:7: top: write a whole number from 1 on");
    EXPECT_EQ(refusal_of("[metrics]\ntop = '7'\n"), "f:2:7: top: write a number");
}

TEST(ApplySettings, AFormatIsOfWhatListsRows) {
    const Settings csv = settings_of("format = 'csv'\n");
    for (const Command command :
         {Command::kHealth, Command::kPlan, Command::kReport, Command::kSnapshotSave,
          Command::kPolicyShow, Command::kMetrics, Command::kServe, Command::kAdvise}) {
        Options options;
        options.command = command;
        EXPECT_EQ(applied(csv, options).format, Format::kTable);
    }
    Options watching;
    watching.watch_seconds = 1;
    EXPECT_EQ(applied(csv, watching).format, Format::kTable);
    EXPECT_EQ(applied(csv, {}).format, Format::kCsv);
}

class DsnSetting : public testing::Test {
protected:
    void SetUp() override {
        for (const char* variable : {"PGHOST", "PGHOSTADDR", "PGPORT", "PGDATABASE", "PGSERVICE"}) {
            unsetenv(variable);
        }
    }
    void TearDown() override { unsetenv("PGHOST"); }

    static std::string dsn_of(const Settings& settings, const Options& options = {}) {
        return applied(settings, options).connection.dsn.value_or("-");
    }
};

TEST_F(DsnSetting, IsUsedWhereNobodySaysWhereToConnect) {
    const Settings of_file = settings_of("dsn = 'host=db1'\n");
    EXPECT_EQ(dsn_of(of_file), "host=db1");
    Options options;
    options.connection.user = "me";
    EXPECT_EQ(dsn_of(of_file, options), "host=db1");
    options.connection.host = "db2";
    EXPECT_EQ(dsn_of(of_file, options), "-");
    options = {};
    options.connection.dbname = "shop";
    EXPECT_EQ(dsn_of(of_file, options), "-");
}

TEST_F(DsnSetting, OfAFileGivesWayToVariablesOfLibpq) {
    setenv("PGHOST", "db3", 1);
    EXPECT_EQ(dsn_of(settings_of("dsn = 'host=db1'\n")), "-");
    EXPECT_EQ(dsn_of(settings_of("", {"PGLEASH_DSN=host=db1"})), "host=db1");
}

// --- the example file ------------------------------------------------------------------

std::string quoted(const Setting& setting) {
    if (setting.type == SettingType::kTexts) {
        return "[]";
    }
    if (setting.type == SettingType::kCount) {
        return std::string(setting.fallback);
    }
    return '"' + std::string(setting.fallback) + '"';
}

// What the registry says, each line of it commented out.
std::string example() {
    std::string out =
        "# Settings of pgleash, as ~/.config/pgleash/config.toml or /etc/pgleash/config.toml.\n"
        "# What is commented out here is the default.  A variable says the same and wins:\n"
        "# PGLEASH_HEALTH_TIMEOUT for timeout in [health]; options win over both.\n"
        "# \"pgleash config show\" tells what is in force, and who said so.\n";
    std::string table;
    for (const Setting& setting : registry()) {
        const std::size_t dot = setting.key.rfind('.');
        const std::string own(dot == std::string_view::npos ? "" : setting.key.substr(0, dot));
        const std::string name(setting.key.substr(dot == std::string_view::npos ? 0 : dot + 1));
        if (own != table) {
            out += "\n[" + own + "]\n";
            table = own;
        } else if (table.empty()) {
            out += '\n';
        }
        out += "# " + std::string(setting.meaning);
        if (setting.type == SettingType::kChoice) {
            out += ": " + std::string(wanted_of(setting));
        }
        out += '\n';
        if (name == "*") {
            out += "# " + std::string(setting.words) + '\n';
        } else {
            out += "# " + name + " = " + quoted(setting) + '\n';
        }
    }
    return out;
}

std::string example_file() {
    std::ifstream in(PGLEASH_EXAMPLES "config.toml");
    std::stringstream text;
    text << in.rdbuf();
    return text.str();
}

TEST(SettingsExample, IsWhatTheRegistrySays) {
    EXPECT_EQ(example_file(), example());
}

TEST(SettingsExample, SaysTheDefaults) {
    EXPECT_THAT(settings_of(example_file()).values(), IsEmpty());
    std::string text = example_file();
    for (std::size_t at = text.find("\n# "); at != std::string::npos; at = text.find("\n# ", at)) {
        const std::size_t end = text.find('\n', at + 1);
        const std::string line = text.substr(at + 3, end - at - 3);
        const bool is_setting =
            line.find(" = ") != std::string::npos && line.find(' ') == line.find(" = ");
        text.replace(at, 3, is_setting ? "\n" : "\n#");
        at += 1;
    }
    const Settings settings = settings_of(text);
    for (const Setting& setting : registry()) {
        if (!setting.key.ends_with('*')) {
            ASSERT_NE(settings.find(setting.key), nullptr) << setting.key;
            EXPECT_EQ(settings.find(setting.key)->text, setting.fallback);
        }
    }
    EXPECT_EQ(health_settings(settings).limits.size(), 2U);
}

// The registry tells people what the code takes where nobody says anything.
TEST(SettingsRegistry, FallbacksAreThoseOfTheCode) {
    const AgentlessThresholds thresholds;
    const auto fallback = [](std::string_view key) {
        for (const Setting& setting : registry()) {
            if (setting.key == key) {
                return std::string(setting.fallback);
            }
        }
        return std::string();
    };
    const auto read = [&](std::string_view name) {
        const std::string key = "agentless." + std::string(name);
        const Settings settings =
            settings_of("[agentless]\n" + std::string(name) + " = '" + fallback(key) + "'\n");
        return settings.find(key)->number;
    };
    EXPECT_EQ(read("idle_threshold"), thresholds.idle);
    EXPECT_EQ(read("idle_in_transaction_threshold"), thresholds.idle_in_transaction);
    EXPECT_EQ(read("never_used_threshold"), thresholds.never_used);
    EXPECT_EQ(read("stalled_client_threshold"), thresholds.stalled_client);
    EXPECT_EQ(read("slow_statement_threshold"), thresholds.slow_statement);
    EXPECT_EQ(settings_of("[health]\ntimeout = '" + fallback("health.timeout") + "'\n")
                  .find("health.timeout")
                  ->number,
              static_cast<std::int64_t>(kDefaultTimeoutSeconds * 1e6));
    EXPECT_EQ(fallback("metrics.top"), std::to_string(MetricsOptions().top_applications));
    EXPECT_EQ(fallback("format"), "table");
    EXPECT_EQ(fallback("color"), "auto");
}

}  // namespace
}  // namespace leash::tool
