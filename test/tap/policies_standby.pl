# On a hot standby the policies of the primary are in force, without anybody there who
# could tell of changes, and in nobody's way.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use ClerkTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $primary = ClerkTest->start('primary', init => { allows_streaming => 1 }, conf => [ "pg_leash.check_interval = '100ms'", "pg_leash.database = 'ops'" ]);
$primary->{admin}->query('CREATE DATABASE ops');
my $ops = $primary->session(dbname => 'ops');
$ops->query('CREATE EXTENSION pg_leash');
$primary->{admin}->query('ALTER DATABASE ops SET default_transaction_isolation = serializable');
$primary->policy('first', client => $ops);
$primary->in_force('first', 'the primary');
$primary->node->backup('base');
my $node = PostgreSQL::Test::Cluster->new('standby');
$node->init_from_backup($primary->node, 'base', has_streaming => 1);
$node->start;
my $standby = ClerkTest->attach($node);
my $clerk = "SELECT count(*) FROM pg_stat_activity WHERE datname = 'ops' AND backend_type = 'pg_leash clerk'";

$standby->in_force('first', 'the standby reads them');
$primary->policy('second', client => $ops);
$standby->in_force('first second', 'sees what is added');
$ops->query("DELETE FROM leash.policies WHERE name = 'first'");
$standby->in_force('second', 'and what is deleted');
is($standby->value($clerk), '1', 'its clerk stays');
is($primary->until($clerk, '0'), '0', 'the primary\'s does not');

$ops->query('BEGIN');
$ops->query('LOCK leash.policies IN ACCESS EXCLUSIVE MODE');
$ops->query('CREATE TABLE locks (a integer)');
$primary->{admin}->query('SELECT pg_switch_wal()');
$standby->error_is('table leash.policies is locked', 'a lock that is replayed');
is($standby->value($ClerkTest::names), 'second', 'keeps the last good ones');
$ops->query('COMMIT');
$standby->error_is('', 'until it is gone');

$ops->query('DROP EXTENSION pg_leash');
$standby->in_force('', 'no extension, no policies');
$ops->query('CREATE EXTENSION pg_leash');
$primary->policy('third', client => $ops);
$standby->in_force('third', 'and back');

# another clerk takes the place of one that is gone
$standby->{admin}->query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'pg_leash clerk'");
$primary->policy('fourth', client => $ops);
$standby->in_force('fourth third', 'a clerk that was ended is followed by another');
$standby->{admin}->query('SELECT pg_terminate_backend(pid) FROM leash.worker');
$standby->until('SELECT running FROM leash.worker', 't');
$ops->query("DELETE FROM leash.policies WHERE name = 'fourth'");
$standby->in_force('third', 'and so is a worker');
is($standby->until($clerk, '1'), '1', 'by one');

# nobody is in the way of what is replayed
$ops->quit;
$standby->log_from;
$primary->until("SELECT count(*) FROM pg_stat_activity WHERE datname = 'ops'", '0');
$primary->{admin}->query('DROP DATABASE ops');
$primary->node->wait_for_catchup($node);
is($standby->value("SELECT count(*) FROM pg_database WHERE datname = 'ops'"), '0', 'its database can be dropped');
$standby->error_is('database "ops", which pg_leash.database names, does not exist', 'which is said');
$standby->await_rounds(10);
is($standby->log_count(qr/LOG:  pg_leash has no policies: database "ops"/), 1, 'once');
is($standby->log_count(qr/PANIC|server process/), 0, 'and nothing worse');
$primary->{admin}->query('CREATE DATABASE ops');
$ops = $primary->session(dbname => 'ops');
$ops->query('CREATE EXTENSION pg_leash');
$primary->policy('fifth', client => $ops);
$standby->in_force('fifth', 'it comes back');

$ops->quit;
$primary->until("SELECT count(*) FROM pg_stat_activity WHERE datname = 'ops'", '0');
$primary->{admin}->query('ALTER DATABASE ops RENAME TO moved');
$standby->error_is('database "ops", which pg_leash.database names, does not exist', 'renamed under a clerk that stays');
$primary->{admin}->query('ALTER DATABASE moved RENAME TO ops');
$standby->in_force('fifth', 'and back');
$ops = $primary->session(dbname => 'ops');

# another database
$standby->{admin}->query("ALTER SYSTEM SET pg_leash.database = 'postgres'");
$standby->{admin}->query('SELECT pg_reload_conf()');
$standby->in_force('', 'a reload that names another database');
is($standby->until($clerk, '0'), '0', 'the clerk goes there');
$standby->{admin}->query('ALTER SYSTEM RESET pg_leash.database');
$standby->{admin}->query('SELECT pg_reload_conf()');
$standby->in_force('fifth', 'and back');

$standby->log_from;
$node->restart;
$standby->connect_admin;
$standby->in_force('fifth', 'a standby that was restarted');
is($standby->log_count(qr/clerk/), 0, 'whose clerk left quietly');

# nobody would look for an hour
$standby->{admin}->query("ALTER SYSTEM SET pg_leash.check_interval = '1h'");
$standby->{admin}->query('SELECT pg_reload_conf()');
$standby->until("SELECT current_setting('pg_leash.check_interval')", '1h');
$primary->policy('sixth', client => $ops);
$primary->node->wait_for_catchup($node);
$node->promote;
$standby->in_force('fifth sixth', 'promoted: somebody looks');
is($standby->until($clerk, '0'), '0', 'the clerk leaves');
my $there = $standby->session(dbname => 'ops');
$there->query('TRUNCATE leash.policies');
$standby->in_force('', 'now it is told of changes');
$standby->policy('own', client => $there);
$standby->in_force('own', 'of its own');
$there->quit;
$standby->log_from;
$node->stop('fast');
is($standby->log_count(qr/ERROR|FATAL.*clerk/), 0, 'and it stops quietly');

done_testing();
