# A reaper is killed at each step of a claim and of a cancel, and so are its victim and
# somebody who has no part in it: the server recovers, no claim is left.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use FaultTest;
use Test::More;

my $server = FaultTest->start('fault_reaper');

# Who is killed while a reaper is held at $step of what it does to $victim.
sub kill_one
{
	my ($whom, $step, $sql) = @_;
	my $victim = $server->session;
	$sql =~ /cancel/ ? $victim->send_query('INSERT INTO things VALUES (1); SELECT pg_sleep(600)') : $victim->query('BEGIN; INSERT INTO things VALUES (1)');
	$sql =~ /cancel/ ? $server->until_of($victim, 'wait_event', 'PgSleep') : $server->until_at_rest($victim);
	my $bystander = $server->session;
	my $reaper = $server->session;
	my $id = $server->session_id($victim);
	$server->hold($step, $reaper, sprintf $sql, $id);
	my %pid = (reaper => $reaper->{pid}, victim => $victim->{pid}, bystander => $bystander->{pid});
	my $when = "$whom at \"$step\"";
	$server->crash($pid{$whom}, $when);
	is($server->value("SELECT leash.terminate('$id')"), 'gone', "$when: the victim is gone");
	$server->is_sound($when);
	return;
}

my @end = ('reaper, judged', 'reaper, undecided', 'reaper, looked', 'reaper, swapped', 'reaper, claimed',
	'reaper, signalled', 'reaper, journal', 'victim, undecided', 'victim, claimed', 'victim, signalled',
	'bystander, claimed', 'bystander, journal');
for (@end)
{
	my ($whom, $step) = split /, /;
	subtest "the $whom at \"$step\" of terminate" => sub {
		kill_one($whom, $step, q{SELECT leash.terminate('%s')});
	};
}
for ('reaper, undecided', 'reaper, claimed', 'reaper, signalled', 'victim, claimed', 'victim, signalled')
{
	my ($whom, $step) = split /, /;
	subtest "the $whom at \"$step\" of cancel" => sub {
		kill_one($whom, $step, q{SELECT leash.cancel('%s')});
	};
}

$server->log_is_clean;
done_testing();
