# Every table of pgleash fits a terminal of 80 columns, whatever the names: the longest
# applications, roles, databases, policies, slots and prepared transactions that there can
# be, of wide characters too.
use strict;
use warnings;
use utf8;

use FindBin;
use lib $FindBin::RealBin;

use IPC::Run;
use PolicyTest;
use PgleashTest qw($pgleash);
use PostgreSQL::Test::Utils;
use Test::More;

my $server = PolicyTest->start(
	'tables',
	init => { allows_streaming => 1 },
	conf => [
		'max_connections = 60', 'max_prepared_transactions = 5',
		"pg_leash.idle_in_transaction_threshold = '1ms'", "pg_leash.idle_threshold = '1ms'",
		"pg_leash.slow_statement_threshold = '1ms'", "pg_leash.reaping = 'observe'" ]);
my $node = $server->node;
my $admin = $server->{admin};
$ENV{PGHOST} = $node->host;
$ENV{PGPORT} = $node->port;
$ENV{PGUSER} = $ENV{PGDATABASE} = 'postgres';

# Columns of a screen that a text takes.
sub width
{
	my ($text) = @_;
	return length($text) + (() = $text =~ /\p{East_Asian_Width=W}/g);
}

sub on_terminal
{
	my (@arguments) = @_;
	local %ENV = (%ENV, COLUMNS => 80, LINES => 24, LC_ALL => 'C.UTF-8', TERM => 'xterm', NO_COLOR => 1);
	my $screen = '';
	IPC::Run::run([ $pgleash, @arguments ], '<pty<', \undef, '>pty>', \$screen);
	$screen =~ s/\r\n/\n/g;
	utf8::decode($screen);
	return $screen;
}

sub bytes
{
	my ($text) = @_;
	utf8::encode($text);
	return $text;
}

# ---- the longest names that there can be ------------------------------------------

my @names = ('m' x 63, '長' x 21);  # 63 bytes each
my @clients;
for my $name (map { bytes($_) } @names)
{
	$admin->query($_) for qq{CREATE ROLE "$name" LOGIN}, qq{GRANT pg_read_all_data TO "$name"}, qq{CREATE DATABASE "$name"};
	for my $statement ([ 'SELECT 1', q{SELECT 'the longest', repeat('statement', 40), pg_sleep(0.01)} ], [ 'SELECT 1/0' ])
	{
		my $client = $server->session(user => $name, dbname => $name, params => { application_name => $name });
		$client->query('BEGIN');
		$client->try($_) for @$statement;
		$server->until_at_rest($client);
		push @clients, $client;
	}
	$admin->query(
		qq{INSERT INTO leash.policies (name, priority, roles, states, idle_for, action, comment) VALUES
			('$name', length('$name'), '{$name}', '{idle in transaction,idle in transaction (aborted)}', '1ms', 'terminate', repeat('$name', 3))});
}
for my $transaction ('p' x 199, '備' x 66)
{
	my $name = bytes($transaction);
	$admin->query($_) for 'BEGIN', 'CREATE TABLE t' . length($name) . ' ()', "PREPARE TRANSACTION '$name'";
}
$admin->query(sprintf q{SELECT pg_create_physical_replication_slot('%s')}, 's' x 63);
$server->until('SELECT count(DISTINCT policy) FROM leash.reap_log', '2');
is($server->terminate($clients[0], reason => bytes(join ' ', @names)), 'ended', 'by hand too');
my $file = $PostgreSQL::Test::Utils::tmp_check . '/policies.toml';
IPC::Run::run([ $pgleash, 'policy', 'show' ], '>', $file);

# ---- the tables -------------------------------------------------------------------

for my $command (
	[qw(status)], [qw(sessions)], [qw(leaks)], [qw(leaks --each)], [qw(apps)], [qw(slow)], [qw(slow --summary)],
	[qw(orphans)], [qw(log)], [qw(reap)], [qw(advise pools --force)], [qw(policy list)], [ qw(policy test), $file ], [ qw(policy test --each), $file ])
{
	my @lines = grep { !/^pgleash: / } split /\n/, on_terminal(@$command);
	my $name = join ' ', grep { $_ ne $file } @$command;
	my ($widest) = sort { width($b) <=> width($a) } @lines;
	ok((grep { /mmm/ || /長長/ || /ppp/ } @lines), "$name: long names are there");
	cmp_ok(width($widest // ''), '<=', 80, "$name: fits 80 columns") or diag(bytes($widest));
}

done_testing();
