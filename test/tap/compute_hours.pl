# leash.compute_hours(): who keeps a server awake that would suspend itself, in minutes
# that are half a second long.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use HistoryTest;
use Test::More;

my $server = HistoryTest->start('compute_hours', conf => ['max_connections = 20']);
my $admin = $server->{admin};
# Or we would keep it awake all the time.
$admin->query('SET pg_leash.track = off');

sub run
{
	my ($name) = @_;
	my $client = $server->session(params => { application_name => $name });
	$client->query('SELECT 1');
	$client->quit;
	$server->until("SELECT sessions FROM leash.applications WHERE application_name = '$name'", '0');
	return;
}

# In minutes, of an application or (undefined) the whole server.
sub minutes
{
	my ($name, $delay) = @_;
	my $which = defined $name ? "application_name = '$name'" : 'application_name IS NULL';
	return split /\|/,
	  $server->value("SELECT active_minutes, round(compute_hours * 7200), round(alone_hours * 7200) FROM leash.compute_hours('$delay') WHERE $which");
}

$server->next_minute for 1 .. 8;
run('one');
$server->next_minute for 1 .. 8;
run('two');
$server->next_minute for 1 .. 8;

subtest 'one after the other' => sub {
	my ($active, $awake, $alone) = minutes('one', '0');
	is_deeply([ $awake, $alone ], [ $active, $active ], 'without a delay it runs when something runs');
	my @one = minutes('one', '1s');
	is_deeply(\@one, [ $active, $active + 2, $active + 2 ], 'with one, two minutes longer');
	my @two = minutes('two', '1s');
	is($two[1], $two[0] + 2, 'each for itself');
	is($two[2], $two[1], 'when nobody else does');
	my @admin = minutes('admin', '1s');
	my @whole = minutes(undef, '1s');
	is($whole[0], $active + $two[0] + $admin[0], 'the server for all of them');
	is($whole[1], $one[1] + $two[1] + $admin[1], 'and for as long');
	is($whole[2], $whole[1], 'alone');
};

subtest 'at the same time' => sub {
	my ($before) = (minutes(undef, '5s'))[1];
	run($_) for qw(left right);
	$server->next_minute for 1 .. 14;
	my @left = minutes('left', '5s');
	my @right = minutes('right', '5s');
	cmp_ok($left[1], '>=', 11, 'each keeps it awake');
	cmp_ok($right[1], '>=', 11, 'the other one too');
	cmp_ok($left[2] + $right[2], '<=', 4, 'so neither is to blame alone');
	cmp_ok((minutes(undef, '5s'))[1] - $before, '<=', $left[1] + 2, 'and the server runs once');
};

subtest 'the week' => sub {
	my @whole = minutes(undef, '1000 days');
	cmp_ok($whole[1], '<=', 7 * 24 * 60, 'has so many minutes');
	is($server->value("SELECT application_name FROM leash.compute_hours('1s') OFFSET 1 LIMIT 1"),
		$server->value("SELECT application_name FROM leash.compute_hours('1s') WHERE application_name IS NOT NULL ORDER BY alone_hours DESC, compute_hours DESC LIMIT 1"),
		'the one to blame comes first');
};

subtest 'what is still to come' => sub {
	run('last');
	my ($active, $awake) = minutes('last', '1h');
	cmp_ok($awake, '<', 100, 'does not count');
};

subtest 'a restart' => sub {
	my @one = minutes('one', '1s');
	$server->node->restart;
	$server->connect_admin;
	is_deeply([ minutes('one', '1s') ], \@one, 'forgets nothing');
};

done_testing();
