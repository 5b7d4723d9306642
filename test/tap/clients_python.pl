# Verdicts on psycopg, SQLAlchemy and asyncpg: autobegin, streaming, COPY in either
# direction, pools that keep connections ready, and a program that is killed in the middle
# of a statement.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use ClientTest;
use Test::More;

my $server = ClientTest->start('python');
$server->{admin}->query('SELECT pg_advisory_lock(42)');

sub start
{
	my ($file) = @_;
	return $server->program($file =~ tr/_/-/r, "$file.py");
}

my %client = map { $_ => start($_) }
  qw(psycopg_autobegin psycopg_healthy psycopg_stream psycopg_copy_in psycopg_copy_in_healthy psycopg_copy_out psycopg_unread psycopg_slow_reader psycopg_statement
  psycopg_ready sqlalchemy_autobegin sqlalchemy_healthy sqlalchemy_stream asyncpg_ready asyncpg_forgotten);
$_->says(qr/^ready/) for values %client;

sub column
{
	my ($application, $columns, $view) = @_;
	$view //= 'leash.leaks';
	return $server->value("SELECT DISTINCT $columns FROM $view WHERE application_name = '$application'");
}

subtest 'psycopg: a transaction that a SELECT began' => sub {
	$server->groups_are('psycopg-autobegin', ['idle in transaction|1|holds back xmin|SELECT status FROM orders WHERE id = $1'],
		'is found, though it writes nothing');
	# by the extended protocol: the portal of its last statement keeps a snapshot
};

subtest 'SQLAlchemy: sessions that are never closed' => sub {
	is($server->until(q(SELECT kind, sessions, weight FROM leash.leak_groups WHERE application_name = 'sqlalchemy-autobegin'),
		'idle in transaction|2|holds locks'), 'idle in transaction|2|holds locks', 'two of one cause, with other numbers in it');
	like($server->value(q(SELECT opener FROM leash.leak_groups WHERE application_name = 'sqlalchemy-autobegin')),
		qr/^SELECT orders\.id AS orders_id, .* WHERE orders\.id = \?$/s, 'the cause is the statement without its data');
};

subtest 'COPY that stalls' => sub {
	$server->groups_are('psycopg-copy-in', ['stalled client|1|holds back xmin|COPY orders (id, status) FROM STDIN'],
		'FROM STDIN: the client sends nothing');
	like(column('psycopg-copy-in', 'reason'), qr/^a command waits for its client to send more/, 'the reason');
	my $opener = 'COPY (SELECT repeat(?, ...) FROM generate_series(?, ...)) TO STDOUT';
	$server->groups_are('psycopg-copy-out', ["stalled client|1|holds back xmin|$opener"], 'TO STDOUT: the client does not read');
	like(column('psycopg-copy-out', 'reason'), qr/^a command waits for its client to read the result/, 'the reason');
};

subtest 'a reader that does not read' => sub {
	$server->groups_are('psycopg-unread', ['stalled client|1|holds back xmin|SELECT id, repeat(?, ...) FROM generate_series(?, ...) AS id'],
		'is found');
	like(column('psycopg-unread', 'reason'), qr/^a command waits for its client to read the result, and nothing moved/, 'the reason');
	is(column('psycopg-unread', 'state, peer'), 'active|alive', 'the connection is sound');
};

subtest 'psycopg: a healthy pool' => sub {
	$server->until_worked('psycopg-healthy');
	is($server->application('psycopg-healthy', 'sessions, in_use_peak > 0'), '4|t', 'it works');
	$server->never_leaked('psycopg-healthy', 'a pool that works and thinks');
	is($client{psycopg_healthy}->finish, 0, 'it ends well');
};

subtest 'SQLAlchemy: a healthy engine' => sub {
	$server->until_worked('sqlalchemy-healthy');
	is($server->application('sqlalchemy-healthy', 'sessions, in_use_peak > 0'), '3|t', 'it works');
	$server->never_leaked('sqlalchemy-healthy', 'an engine that works and thinks');
	is($client{sqlalchemy_healthy}->finish, 0, 'it ends well');
};

subtest 'asyncpg: connections that are never released' => sub {
	$server->groups_are('asyncpg-forgotten', [ 'abandoned|5|holds a slot|', 'unused|10|holds a slot|' ],
		'fifteen, five more than a pool may keep');
	is(column('asyncpg-forgotten', 'last_statement'), 'SELECT status FROM orders WHERE id = $1', 'the last statement names the code');
};

subtest 'psycopg: a pool that keeps ten ready' => sub {
	$server->until_rested('psycopg-ready', 10);
	$server->groups_are('psycopg-ready', ['unused|10|holds a slot|'], 'the one that was used, and those that never were');
	is(column('psycopg-ready', 'count(*) FILTER (WHERE statements = 0)', 'leash.sessions'), '9', 'nine of them');
	$server->never_leaked('psycopg-ready', 'a pool that keeps ten');
	is($client{psycopg_ready}->finish, 0, 'it ends well');
};

subtest 'asyncpg: a pool as it comes' => sub {
	$server->until_rested('asyncpg-ready', 9);
	$server->groups_are('asyncpg-ready', ['unused|9|holds a slot|'], 'ten connections, of which one is used');
	like(column('asyncpg-ready', q(regexp_replace(reason, '[0-9.]+', '', 'g'))), qr/^not used for .*, within what a pool may keep$/, 'the reason');
	$server->never_leaked('asyncpg-ready', 'a pool that keeps ten');
	is($client{asyncpg_ready}->finish, 0, 'it ends well');
};

for my $name (qw(psycopg_stream sqlalchemy_stream psycopg_copy_in_healthy psycopg_slow_reader))
{
	subtest "$name, which is no leak" => sub {
		my $application = $name =~ tr/_/-/r;
		$server->until("SELECT xact_for > '5s' FROM leash.sessions WHERE application_name = '$application'");
		is(column($application, 'in_use', 'leash.sessions'), 't', 'one transaction, older than the thresholds');
		$server->never_leaked($application, 'it goes on all the time');
		is($client{$name}->finish, 0, 'it ends well');
	};
}

subtest 'kill -9 in the middle of a statement' => sub {
	my $application = 'psycopg-statement';
	$server->until("SELECT wait_event FROM leash.sessions WHERE application_name = '$application'", 'advisory');
	$server->never_leaked($application, 'while it waits for its result');
	$client{psycopg_statement}->kill9;
	$server->groups_are($application, ['peer gone|1|holds back xmin|SELECT pg_advisory_xact_lock(?)'], 'its client is gone');
	like(column($application, 'reason'), qr/^its client has closed the connection/, 'the reason');
	is(column($application, 'state, peer, leaked'), 'active|closed|t', 'though PostgreSQL calls it active');
	my $checked = $server->program('checked-statement', 'psycopg_statement.py', env => { PGOPTIONS => '-c client_connection_check_interval=100ms' });
	$checked->says(qr/^ready/);
	$server->until(q(SELECT wait_event FROM leash.sessions WHERE application_name = 'checked-statement'), 'advisory');
	$checked->kill9;
	my $sessions = q(SELECT count(*) FROM leash.sessions WHERE application_name = 'checked-statement');
	is($server->until($sessions, '0'), '0', 'with client_connection_check_interval it ends by itself');
};

done_testing();
