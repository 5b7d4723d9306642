# The wall clock is set forward and back under the history: minutes stay in order, none
# comes twice, none is lost, and none lies in the future.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use FakeClock;
use HistoryTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $clock = FakeClock->new;
plan skip_all => 'libfaketime is not installed' unless $clock;

my $server;
$clock->under(sub { $server = HistoryTest->start('history_clock', conf => [ "pg_leash.history_retention = '14d'" ]) });
$clock->await_worker($server);
my $node = $server->node;

sub restart
{
	my ($minutes) = @_;
	$node->stop('fast');
	$clock->set($minutes);
	$clock->under(sub { $node->start });
	$server->connect_admin;
	$clock->await_worker($server);
	return;
}

sub in_order
{
	my ($when) = @_;
	is($server->value('SELECT count(*) FROM (SELECT minute <= lag(minute) OVER () AS wrong FROM leash.history) h WHERE wrong'),
		'0', "$when: in order, and none twice");
	is($server->value("SELECT max(minute) BETWEEN clock_timestamp() - interval '20s' AND clock_timestamp() FROM leash.history"),
		't', "$when: the newest was a moment ago");
	return;
}

# Rows that do not change any more, whatever they are called.
my $contents = 'SELECT count(*), sum(opened), sum(statements), sum(rows_written) FROM (SELECT * FROM leash.history ORDER BY minute LIMIT %d) h';

sub client_of
{
	my ($name) = @_;
	my $client = $server->session(params => { application_name => $name });
	$client->query('SELECT 1') for 1 .. 10;
	return $client;
}

# An application that runs statements, ends, and is folded.
sub run_once
{
	my ($name) = @_;
	my $client = client_of($name);
	$client->quit;
	$server->until("SELECT sessions FROM leash.applications WHERE application_name = '$name'", '0');
	return;
}

sub active_minutes
{
	my ($name) = @_;
	return $server->value("SELECT active_minutes FROM leash.applications WHERE application_name = '$name'");
}

run_once('before');
$server->next_minute for 1 .. 4;
my $last_before = $server->value('SELECT max(minute) FROM leash.history');
my $as_it_was = $server->value("SELECT md5(string_agg(h::text, '')) FROM leash.history h WHERE minute <= '$last_before'");
in_order('before');
is(active_minutes('before') > 0, 1, 'an application was active');

ok($clock->step($server, 30), 'the clock is set forward');
$server->next_minute for 1 .. 4;
in_order('forward');
is($server->value("SELECT max(minute - before) BETWEEN '25min' AND '35min' FROM (SELECT minute, lag(minute) OVER () AS before FROM leash.history
	WHERE minute >= '$last_before') h"), 't', 'which is a gap');
run_once('ahead');
my $rows = $server->value('SELECT count(*) FROM leash.history');
my $before = $server->value(sprintf $contents, $rows);
is(active_minutes('ahead') > 0, 1, 'somebody was active ahead of time');

ok($clock->step($server, 0), 'the clock is set back');
$server->next_minute for 1 .. 2;
in_order('back');
is($server->value(sprintf $contents, $rows), $before, 'no row is lost, and none has changed');
is($server->value("SELECT md5(string_agg(h::text, '')) FROM leash.history h WHERE minute <= '$last_before'"), $as_it_was,
	'what was before the wrong step stays where it is');
is(active_minutes('ahead'), '0', 'what was to come has not happened');
is($server->value("SELECT count(*) FROM leash.compute_hours() WHERE application_name = 'ahead'"), '0', 'nor has it kept the server awake');
cmp_ok(active_minutes('before'), '>', 0, 'what was has');
ok($clock->step($server, 30), 'the clock comes there again');
is(active_minutes('ahead'), '0', 'and it has still not happened');

ok($clock->step($server, -30), 'the clock is set back by an hour');
$server->next_minute for 1 .. 3;
in_order('back by more');
is($server->value(sprintf $contents, $rows), $before, 'no row is lost, and none has changed');
run_once('behind');
cmp_ok(active_minutes('behind'), '>', 0, 'applications are active now');

restart(-60);
$server->next_minute for 1 .. 2;
in_order('set back while it was down');
is($server->value(sprintf $contents, $rows), $before, 'no row is lost, and none has changed');

restart(180);
$server->next_minute for 1 .. 2;
in_order('set forward while it was down');
cmp_ok($server->value('SELECT count(*) FROM leash.history'), '<', $rows, 'what is older than the retention time is gone');
is($server->value('SELECT errors FROM leash.worker'), '0', 'the worker had no error');
done_testing();
