# pgleash advise indexes: what real sequential scans lead to, with and without hypopg.

use strict;
use warnings;

use JSON::PP ();
use LeashTest;
use PgleashTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $server = LeashTest->start('advise', conf => [
	"pg_leash.slow_statement_threshold = '1h'",
	'max_parallel_workers_per_gather = 0',
	'autovacuum = off' ]);
my $node = $server->node;
$ENV{PGHOST} = $node->host;
$ENV{PGPORT} = $node->port;
$ENV{PGDATABASE} = 'postgres';

# The rows by columns, of one document that must parse.
sub advice
{
	my (@arguments) = @_;
	my ($status, $stdout, $stderr) = pgleash('advise', 'indexes', '--json', @arguments);
	is($status, 0, "advise indexes --json @arguments: exit status") or diag $stderr;
	my $document = JSON::PP->new->utf8->decode($stdout);
	is($document->{command}, 'advise indexes', 'the command is named');
	return { map { $_->{columns} => $_ } @{ $document->{rows} } };
}

# Each statement is slow, whatever it takes.
sub slow
{
	my (@statements) = @_;
	my $session = $server->session;
	$session->query("SET pg_leash.slow_statement_threshold = 0");
	$session->query($_) for @statements;
	$session->query("SET pg_leash.slow_statement_threshold = -1");
	$session->quit;
	return;
}

sub admin
{
	my ($sql) = @_;
	return $server->{admin}->query($sql);
}

##### Nothing yet

my ($status, $stdout, $stderr) = pgleash('advise');
like($stdout, qr/^No slow statement lacks one\.$/m, 'advise alone: no index is missing');
($status, $stdout, $stderr) = pgleash('advise', 'indexes');
is("$status|$stdout", '0|', 'nothing to advise is no failure');
like($stderr, qr/\Apgleash: note: nothing to advise in database "postgres": .*\n\z/,
	'nothing to advise: says so');
is_deeply(advice(), {}, 'nothing to advise: no rows');

##### Slow statements

admin('CREATE SCHEMA shop');
admin(q{CREATE TABLE shop."Orders" (id integer PRIMARY KEY, customer integer, "placed On" date,
	status text, total numeric, plain text)});
admin(q{INSERT INTO shop."Orders" SELECT i, i % 2000, '2026-01-01'::date + i % 365,
	CASE WHEN i % 500 = 0 THEN 'it''s late' ELSE 'paid' END, i, 'x' FROM generate_series(1, 40000) i});
admin('ANALYZE shop."Orders"');
slow('SELECT * FROM shop."Orders" WHERE customer = 17',
	'SELECT * FROM shop."Orders" WHERE customer = 18',
	q{SELECT * FROM shop."Orders" WHERE status = 'it''s late'},
	q{SELECT * FROM shop."Orders" WHERE customer = 3 AND "placed On" > '2026-12-01'});

my $advice = advice();
is_deeply([ sort keys %$advice ], [ 'customer', 'customer, "placed On"', 'status' ], 'the candidates');
my $late = $advice->{status};
is($late->{table}, 'shop."Orders"', 'the table');
is($late->{slow_statements}, 1, 'how many');
is($advice->{customer}{slow_statements}, 2, 'how many, of two');
like($late->{evidence}, qr/^1 slow statement read all of shop\."Orders", about 40000 rows/, 'evidence');
cmp_ok($late->{total_time_seconds}, '>', 0, 'durations are seconds');
ok(exists $late->{$_}, "$_ is there") for qw(seq_scan seq_tup_read idx_scan n_live_tup rows_written);
is($late->{verdict}, 'create', 'verdict');
is($late->{statement}, 'CREATE INDEX CONCURRENTLY ON shop."Orders" (status);', 'to paste');
like($late->{risk}, qr/writes get slower.* disk.*runs long/, 'its risk');
is($late->{tried_query}, q{SELECT * FROM shop."Orders" WHERE status = 'it''s late'},
	'a value as rare as those asked for');
cmp_ok($late->{cost_before}, '>', 0, 'what it costs now');
is($late->{cost_after}, undef, 'without hypopg the cost after is not known');
is($late->{index_size_bytes}, undef, 'nor the size');
is($advice->{customer}{verdict}, 'covered', 'an index that another covers');
is($advice->{customer}{covered_by}, 'customer, "placed On"', 'which covers it');
is($advice->{customer}{statement}, undef, 'is not advised');
is($advice->{'customer, "placed On"'}{statement},
	'CREATE INDEX CONCURRENTLY ON shop."Orders" (customer, "placed On");', 'the longer is');

($status, $stdout, $stderr) = pgleash('advise', 'indexes');
is($status, 0, 'as text: exit status');
like($stdout, qr/^   paste +CREATE INDEX CONCURRENTLY ON shop\."Orders" \(status\);$/m, 'as text: to paste');
like($stdout, qr/^   cost +[\d.]+ now$/m, 'as text: the cost');
like($stderr, qr/^pgleash: note: the costs with an index are not known without hypopg/m,
	'hypopg is named');
is(keys %{ advice('--limit', '1') }, 1, '--limit');
($status, $stdout, $stderr) = pgleash('advise');
like($stdout, qr/^3 candidates: pgleash advise indexes$/m, 'advise alone: where to look');
is($server->value(q{SELECT count(*) FROM pg_indexes WHERE schemaname = 'shop'}), 1, 'nothing was created');

# What the tool prints is SQL.
for my $one (grep { $_->{statement} } values %$advice)
{
	my $statement = $one->{statement} =~ s/ CONCURRENTLY//r;
	admin('BEGIN');
	ok(eval { admin($statement); 1 }, "it can be run: $one->{columns}") or diag $@;
	admin('ROLLBACK');
}

##### Statistics and privileges

admin(q{CREATE ROLE watcher LOGIN IN ROLE pg_monitor});
my $unseen = advice('-U', 'watcher')->{status};
is($unseen->{cost_before}, undef, 'a role that may not read the table: no cost');
like($unseen->{note}, qr/costs are not known.*GRANT SELECT ON shop\."Orders"/, 'and is told why');
is($unseen->{statement}, 'CREATE INDEX CONCURRENTLY ON shop."Orders" (status);', 'yet advised');

##### Other databases

admin('CREATE DATABASE crm');
$node->safe_psql('crm', 'CREATE EXTENSION pg_leash');
($status, $stdout, $stderr) = pgleash('advise', 'indexes', '-d', 'crm');
is("$status|$stdout", '0|', 'nothing to advise in another database');
like($stderr, qr/^pgleash: note: other databases have candidates too: 3 in "postgres"; connect there with -d$/m,
	'where there is something');

##### With hypopg

SKIP:
{
	skip 'hypopg is not installed on this machine', 16
	  unless $server->value(q{SELECT count(*) FROM pg_available_extensions WHERE name = 'hypopg'});
	admin('CREATE SCHEMA "Hypo"');
	admin('CREATE EXTENSION hypopg SCHEMA "Hypo"');
	my $tried = advice()->{status};
	is($tried->{verdict}, 'create', 'hypopg: advised');
	cmp_ok($tried->{cost_after}, '<', $tried->{cost_before} / 2, 'hypopg: what it gains');
	cmp_ok($tried->{index_size_bytes}, '>', 8192, 'hypopg: how large it is');
	($status, $stdout, $stderr) = pgleash('advise', 'indexes');
	like($stdout, qr/^   cost +[\d.]+ now, [\d.]+ with the index$/m, 'hypopg: both costs');
	unlike($stderr, qr/hypopg/, 'hypopg: no note');
	is($server->value(q{SELECT count(*) FROM pg_indexes WHERE schemaname = 'shop'}), 1,
		'hypopg: nothing was created');

	# An operator that is not in the search path; without it the index would be of no use.
	admin('CREATE EXTENSION citext');
	admin('CREATE TABLE shop.people (mail citext)');
	admin(q{INSERT INTO shop.people SELECT 'Name' || i FROM generate_series(1, 20000) i});
	admin('ANALYZE shop.people');
	slow(q{SELECT * FROM shop.people WHERE mail = 'NAME7'});
	my $people = advice()->{mail};
	like($people->{tried_query}, qr/^SELECT \* FROM shop\.people WHERE mail OPERATOR\(public\.=\) 'Name\d+'$/,
		'hypopg: the operator of the type');
	is($people->{verdict}, 'create', 'hypopg: which the index serves');

	# The planner has the last word.
	admin(q{ALTER SYSTEM SET enable_bitmapscan = off});
	admin(q{ALTER SYSTEM SET enable_indexscan = off});
	admin('SELECT pg_reload_conf()');
	$node->poll_query_until('postgres', q{SELECT current_setting('enable_indexscan') = 'off'});
	my $useless = advice()->{status};
	is($useless->{verdict}, 'no gain', 'hypopg: no gain');
	is($useless->{statement}, undef, 'hypopg: then nothing is advised');
	admin(q{ALTER SYSTEM RESET ALL});
	admin('SELECT pg_reload_conf()');
	$node->poll_query_until('postgres', q{SELECT current_setting('enable_indexscan') = 'on'});
}

##### An index is there

admin(q{CREATE INDEX late ON shop."Orders" (status) WHERE id > 7});
is(advice()->{status}{verdict}, 'create', 'a partial index does not count');
admin(q{CREATE INDEX both_ways ON shop."Orders" ("placed On", customer)});
my $there = advice()->{'customer, "placed On"'};
is($there->{verdict}, 'exists', 'an index that begins with the columns, in another order');
is($there->{existing_index}, 'shop.both_ways', 'it is named');
is($there->{statement}, undef, 'and none is advised');
like($there->{note}, qr/index shop\.both_ways begins with these columns, yet was not used/, 'it says so');
is(advice()->{customer}{verdict}, 'create', 'that index does not begin with the customer alone');
admin(q{UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'shop.both_ways'::regclass});
my $broken = advice()->{'customer, "placed On"'};
is($broken->{verdict}, 'invalid', 'an index that is not valid');
like($broken->{note}, qr/REINDEX INDEX CONCURRENTLY shop\.both_ways$/, 'and the remedy');

$node->stop;
done_testing();
