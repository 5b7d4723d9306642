# Clients connect and leave by the thousand, in all ways, while policies act: every session
# is counted as opened and as ended, no slot is lost, nobody is hurt who was not named.
# LEASH_CHURN says how many there are.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use Crowd;
use FaultTest;
use Test::More;

my $total = $ENV{LEASH_CHURN} // 1000;
my $clients = 4;

my $server = FaultTest->start('fault_churn', conf => ['log_statement = none']);
my $node = $server->node;
$server->policy('ends victims', idle_for => q('1ms'), action => q('terminate'));
$server->{admin}->query('CREATE TABLE written (id integer)');
$server->set('pg_leash.slow_statement_threshold' => '0');
$server->until('SELECT used FROM leash.connections', '1');
my @before = $server->counts;

my @ways = (
	# in and out
	sub { $_[0]->quit },
	# gone without a word, with a transaction open
	sub { $_[0]->query('BEGIN; INSERT INTO written VALUES (1)'); $_[0]->hang_up },
	# in the middle of a statement
	sub { $_[0]->send_query('SELECT pg_sleep(0.01)'); $_[0]->hang_up },
	# after some work
	sub { $_[0]->query('INSERT INTO written VALUES (0)'); $_[0]->value('SELECT 42') eq '42' or die 'wrong'; $_[0]->quit; $_[1]{written}++ },
	# after an error
	sub { $_[0]->sqlstate('SELECT 1/0') eq '22012' or die 'wrong'; $_[0]->quit },
	# never logged in
	'refused');

# A slot is free again only a moment after its client has gone.
sub is_full
{
	my ($client, $counts) = @_;
	return 0 unless $client->{error};
	$client->{error}{C} eq '53300' or die "$client->{error}{C} $client->{error}{M}";
	$counts->{full}++;
	return 1;
}

sub once
{
	my ($number, $counts) = @_;
	my $turn = $counts->{tried}++;
	return 0 if $turn >= $total / $clients;
	if ($turn % 20 == 19)
	{
		# One that stays is ended by its policy, whatever else goes on.
		my $victim = LeashClient->new($node, params => { application_name => "victim $number $turn" });
		return 1 if is_full($victim, $counts);
		$counts->{opened}++;
		($victim->last_words->{C} // '') eq '57P01' or die 'a victim was not told';
		$counts->{reaped}++;
		return 1;
	}
	my $way = $ways[ $turn % @ways ];
	my $client = LeashClient->new($node,
		user => $way eq 'refused' ? 'nobody' : 'postgres', params => { application_name => 'comes ' . $turn % 300 });
	if ($way eq 'refused')
	{
		$client->{error}{C} =~ /^(?:28000|53300)$/ or die "refused: $client->{error}{C}";
		return 1;
	}
	return 1 if is_full($client, $counts);
	$counts->{opened}++;
	$way->($client, $counts);
	return 1;
}

my $sum = Crowd->start($node, clients => $clients, work => \&once)->finish;
is($sum->{died} // '', '', 'nobody was hurt who was not named');
note(join ', ', map { "$_ $sum->{$_}" } sort keys %$sum);
is($server->until('SELECT used FROM leash.connections', '1'), '1', 'all slots are free');
my @after = $server->counts;
is($after[0] - $before[0], $sum->{opened}, 'each session was counted as opened');
is($after[1] - $before[1], $sum->{opened}, 'and as ended');
is($server->value('SELECT count(*) FROM leash.sessions'), '1', 'none is left');
is($server->value("SELECT count(*) FROM leash.reap_log WHERE application_name LIKE 'comes%'"), '0', 'nothing was decided about the others');
is($server->value('SELECT count(*) FROM written WHERE id = 0'), $sum->{written}, 'what was committed is there');
is($server->value('SELECT sum(reaped) FROM leash.applications') - 1, $sum->{reaped}, 'each that was ended was counted as such');
$server->policy('ends victims', idle_for => q('300ms'), action => q('terminate'));
$server->is_sound('afterwards');
$server->nobody_is_left;
$server->log_is_clean;
done_testing();
