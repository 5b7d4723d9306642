// Runs against a server with pg_leash preloaded that the PG* variables name; makes
// what the tests share.  script/with-server starts one and throws it away.
#include <gtest/gtest.h>

#include "session.h"

namespace leash::protocol {
namespace {

// Functions that take their time (0.3 s, see kWork) in the places where it matters.
const char* const kSetUp = R"(
CREATE EXTENSION IF NOT EXISTS pg_leash;
CREATE FUNCTION work() RETURNS int LANGUAGE plpgsql VOLATILE AS
    $$BEGIN PERFORM pg_sleep(0.3); RETURN 1; END$$;
CREATE FUNCTION work_then_fail() RETURNS int LANGUAGE plpgsql VOLATILE AS
    $$BEGIN PERFORM pg_sleep(0.3); RAISE 'as intended'; END$$;
CREATE FUNCTION folded(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS
    $$BEGIN PERFORM pg_sleep(0.3); RETURN (SELECT count(*) FROM pg_class WHERE false) + $1; END$$;
CREATE FUNCTION folded_then_fail(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS
    $$BEGIN PERFORM pg_sleep(0.3); RAISE 'as intended'; END$$;
CREATE FUNCTION call_work(int) RETURNS int LANGUAGE plpgsql VOLATILE AS
    $$BEGIN PERFORM pg_sleep(0.3); RETURN $1 + 1; END$$;
CREATE FUNCTION work_in_trigger() RETURNS trigger LANGUAGE plpgsql AS
    $$BEGIN PERFORM pg_sleep(0.3), count(*) FROM pg_class WHERE false; RETURN NULL; END$$;
CREATE FUNCTION fail_in_trigger() RETURNS trigger LANGUAGE plpgsql AS
    $$BEGIN PERFORM pg_sleep(0.3); RAISE 'as intended'; END$$;

CREATE TABLE plain (id int);
CREATE TABLE with_after_trigger (id int);
CREATE TRIGGER t AFTER INSERT ON with_after_trigger
    FOR EACH ROW EXECUTE FUNCTION work_in_trigger();
CREATE TABLE with_deferred_trigger (id int);
CREATE CONSTRAINT TRIGGER t AFTER INSERT ON with_deferred_trigger
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION work_in_trigger();
CREATE TABLE with_failing_trigger (id int);
CREATE CONSTRAINT TRIGGER t AFTER INSERT ON with_failing_trigger
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION fail_in_trigger();
)";

class SharedObjects : public testing::Environment {
public:
    void SetUp() override { Session().must(kSetUp); }
};

}  // namespace
}  // namespace leash::protocol

int main(int argc, char** argv) {
    testing::InitGoogleTest(&argc, argv);
    testing::AddGlobalTestEnvironment(new leash::protocol::SharedObjects);
    return RUN_ALL_TESTS();
}
