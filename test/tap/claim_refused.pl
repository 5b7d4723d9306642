# A command that arrives when the session is claimed, but not signalled yet: refused
# with FATAL 57P01, and nothing of it has been executed.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use ClaimTest;
use Test::More;

my $claim = ClaimTest->start('refused');

# nextval() is not undone by anything: a number taken is a command executed.
my $take = q{SELECT nextval('executed')};

sub parse_bind_execute
{
	my ($name, $sql) = @_;
	return sub {
		my ($session) = @_;
		$session->send_message('P', "$name\0$sql\0" . pack('n', 0)) if defined $sql;
		$session->send_message('B', "\0$name\0" . pack('nnn', 0, 0, 0));
		$session->send_message('E', "\0" . pack('N', 0));
		$session->send_message('S', '');
	};
}

sub query
{
	my ($sql) = @_;
	return sub { $_[0]->send_query($sql) };
}

my $nextval_oid = $claim->value("SELECT 'nextval(regclass)'::regprocedure::oid");
my $executed_oid = $claim->value("SELECT 'executed'::regclass::oid");

my @commands = (
	[ 'a query', query($take) ],
	[ 'an INSERT', query(q{INSERT INTO item SELECT nextval('executed')}) ],
	[ 'a BEGIN', query("BEGIN; $take") ],
	[ 'a DO block', query(q{DO $$BEGIN PERFORM nextval('executed'); END$$}) ],
	[ 'a COPY', query(q{COPY (SELECT nextval('executed')) TO STDOUT}) ],
	[ 'a message of several', query("SELECT 1; $take") ],
	[ 'the extended protocol', parse_bind_execute('', $take) ],
	[ 'a prepared statement', parse_bind_execute('prepared'), sub { $_[0]->query("PREPARE prepared AS $take") } ],
	[ 'a prepared utility statement', parse_bind_execute('prepared'),
		sub { $_[0]->query(q{PREPARE prepared AS INSERT INTO item SELECT nextval('executed')}) } ],
	[ 'a fast-path call', sub {
			my ($session) = @_;
			$session->send_message('F', pack('N n n n N N n', $nextval_oid, 1, 1, 1, 4, $executed_oid, 1));
		} ]);

# Each of them does execute something, when nobody claims its session.
for my $command (@commands)
{
	my ($name, $send, $prepare) = @$command;
	my $session = $claim->session;
	$prepare->($session) if $prepare;
	my $before = $claim->executed;
	$send->($session);
	$session->wait_ready;
	is($claim->executed, $before + 1, "$name takes a number");
	$session->quit;
}
$claim->{server}{admin}->query('TRUNCATE item');

for my $state ('idle', 'idle in transaction')
{
	for my $command (@commands)
	{
		my ($name, $send, $prepare) = @$command;
		subtest "$name, $state" => sub {
			my $victim = $claim->session;
			$prepare->($victim) if $prepare;
			$victim->query('BEGIN; INSERT INTO item VALUES (-1)') if $state ne 'idle';
			my $before = $claim->executed;
			$claim->hold_terminate('claimed', $victim);
			$send->($victim);
			$victim->{error} = undef;
			$victim->wait_ready('E');
			is($victim->{error}{S}, 'FATAL', 'refused');
			is($victim->{error}{C}, '57P01', 'as ended by an administrator');
			like($victim->{error}{D} // '', qr/^pg_leash ended this session/, 'and told by whom');
			is($claim->executed, $before, 'nothing was executed');
			is($claim->outcome, 'ended', 'the session is ended');
			ok($claim->until_gone($victim), 'and gone');
			is($claim->executed, $before, 'and nothing was executed later');
		};
	}
}

subtest 'a COMMIT' => sub {
	my $victim = $claim->session;
	$victim->query('BEGIN; INSERT INTO item VALUES (7)');
	$claim->hold_terminate('claimed', $victim);
	$victim->send_query('COMMIT');
	$victim->wait_ready('E');
	is($victim->{error}{C}, '57P01', 'refused');
	is($claim->outcome, 'ended', 'ended');
	is($claim->value('SELECT count(*) FROM item WHERE id = 7'), '0', 'and rolled back');
};

for my $ending ('ROLLBACK', 'COMMIT')
{
	subtest "a $ending of a failed transaction" => sub {
		my $victim = $claim->session;
		$victim->query('BEGIN');
		$victim->try('SELECT 1/0');
		$claim->hold_terminate('claimed', $victim);
		$victim->{error} = undef;
		$victim->send_query($ending);
		$victim->wait_ready('E');
		is($victim->{error}{C}, '57P01', 'refused');
		is($claim->outcome, 'ended', 'ended');
	};
}

# What reaches no hook executes nothing either; the signal ends the session.
subtest 'an empty query' => sub {
	my $victim = $claim->session;
	$claim->hold_terminate('claimed', $victim);
	$victim->query('');
	is($claim->outcome, 'ended', 'ended');
	is($victim->last_words->{C}, '57P01', 'and told so');
};

is($claim->value('SELECT count(*) FROM item'), '0', 'no row of any of them is there');

done_testing();
