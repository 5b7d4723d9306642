# pgleash history: the minutes of leash.history, newest first, of the time that is asked for.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use HistoryTest;
use IPC::Run;
use JSON::PP ();
use PgleashTest qw($pgleash);
use PostgreSQL::Test::Utils;
use Test::More;

my $server = HistoryTest->start('tool_history', minute => '200ms');
my $node = $server->node;
$ENV{PGHOST} = $node->host;
$ENV{PGPORT} = $node->port;
$ENV{PGUSER} = $ENV{PGDATABASE} = 'postgres';

sub pgleash
{
	my (@arguments) = @_;
	my ($stdout, $stderr) = ('', '');
	IPC::Run::run([ $pgleash, 'history', @arguments ], '<', \undef, '>', \$stdout, '2>', \$stderr);
	return ($? >> 8, $stdout, $stderr);
}

sub json_rows
{
	my ($status, $stdout, $stderr) = pgleash(@_, '--json');
	is($status, 0, "history @_") or diag $stderr;
	return JSON::PP->new->utf8->decode($stdout)->{rows};
}

$server->next_minute for 1 .. 3;
my $minutes = $server->value('SELECT count(*) FROM leash.history');
my $rows = json_rows('--since', '7d');
cmp_ok(scalar @$rows, '>=', $minutes, 'each minute is a row');
my @times = map { $_->{minute} } @$rows;
is_deeply(\@times, [ reverse sort @times ], 'newest first');
cmp_ok($rows->[1]{covered_seconds}, '>', 0, 'durations are seconds');
cmp_ok($rows->[0]{used_peak}, '>=', 1, 'with what it saw');

is(scalar @{ json_rows('--since', '1us') }, 0, 'none began a microsecond ago');
is(scalar @{ json_rows('--limit', '2') }, 2, 'as many as asked for');
my $first = json_rows('--since', '7d', '--sort', 'minute:asc', '--limit', 1)->[0]{minute};
is($first, $server->value(q{SELECT to_char(min(minute) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') FROM leash.history}),
	'sorted otherwise: the oldest first');

my ($status, $stdout, $stderr) = pgleash('--since', 'yesterday');
is($status, 2, 'a time that is none: exit status');
like($stderr, qr/\Apgleash: error: invalid duration "yesterday" for --since/, '... and what is wrong');

done_testing();
