# On a hot standby everything works that works on the primary, and goes on after it
# was promoted.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use LeashTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $primary = LeashTest->start('primary', init => { allows_streaming => 1 });
$primary->{admin}->query('CREATE TABLE things (id integer)');
$primary->{admin}->query('CREATE ROLE plain LOGIN');
$primary->{admin}->query('GRANT SELECT ON things TO plain');
$primary->node->backup('base');
my $node = PostgreSQL::Test::Cluster->new('standby');
$node->init_from_backup($primary->node, 'base', has_streaming => 1);
$node->start;
$primary->node->wait_for_catchup($node);
my $standby = LeashTest->attach($node);
my $admin = $standby->{admin};
is($standby->value('SELECT pg_is_in_recovery()'), 't', 'a standby');

is($standby->value('SELECT used, active FROM leash.connections'), '1|1', 'its connections, not the primary\'s');
is($standby->value('SELECT count(*) FROM leash.sessions'), '1', 'its sessions');
is($primary->value('SELECT count(*) FROM leash.sessions'), '1', 'the primary has its own; the walsender is none');

my $leak = $standby->session(user => 'plain');
$leak->query($_) for 'BEGIN ISOLATION LEVEL REPEATABLE READ', 'SELECT id FROM things';
$standby->thresholds(idle_in_transaction => '1ms');
is($standby->until_of($leak, 'kind, weight', 'idle in transaction|holds back xmin', 'leash.leaks'),
	'idle in transaction|holds back xmin', 'a leak is seen, and its weight');
is($standby->value('SELECT kind, sessions FROM leash.leak_groups'), 'idle in transaction|1', 'and its group');
$admin->query('SET pg_leash.slow_statement_threshold = 0');
$admin->query("SELECT 1 AS slow");
is($standby->value("SELECT count(*) FROM leash.slow_statements WHERE query = 'SELECT ? AS slow'"), '1', 'slow statements are recorded');
$admin->query('SET pg_leash.slow_statement_threshold = -1');

$standby->until_at_rest($leak);
is($standby->terminate($leak, reason => 'on the standby'), 'ended', 'the leak is ended');
like($leak->last_words->{D}, qr/: on the standby\. It was idle in transaction/, 'and told');
$admin->query('SELECT pg_advisory_lock(1)');
my $busy = $standby->session;
$busy->send_query('SELECT pg_advisory_lock(1)');
$standby->until_of($busy, 'wait_event', 'advisory');
is($standby->cancel($busy), 'cancelled', 'a statement is cancelled');
$busy->wait_ready;
is($busy->{error}{C}, '57014', 'and told');
$admin->query('SELECT pg_advisory_unlock(1)');
$admin->query('SELECT leash.reset()');
is($standby->value('SELECT count(*) FROM leash.slow_statements'), '0', 'reset');

my $survivor = $standby->session;
$survivor->query("BEGIN; SELECT 'of before'");
my $id = $standby->session_id($survivor);
$node->promote;
is($standby->value('SELECT pg_is_in_recovery()'), 'f', 'promoted');
is($standby->of($survivor, 'session_id, state, opener'), "$id|idle in transaction|SELECT 'of before'", 'sessions go on');
$survivor->query($_) for 'COMMIT', 'BEGIN', 'INSERT INTO things VALUES (1)';
is($standby->until_of($survivor, 'kind', 'idle in transaction', 'leash.leaks'), 'idle in transaction', 'are judged');
$standby->until_at_rest($survivor);
is($standby->terminate($survivor), 'ended', 'and can be ended');

done_testing();
