# The examples of doc/reaping.md, run as they stand there.  Their times are divided by
# 600, so that ten minutes are a second.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use PolicyTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $manual = slurp_file("$FindBin::RealBin/../../doc/reaping.md");
my %block;
while ($manual =~ /^```sql\n-- (\w+): (\w+)\n(.*?)^```$/msg)
{
	$block{"$1 $2"} = $3;
}
my @expected = ('example blocking', 'example enforce', 'example grace', 'example lease', 'example pressure', 'example runaway', 'example spare', 'query would', 'session nightly');
is_deeply([ sort keys %block ], \@expected, 'every example is known to this test');
my @all = $manual =~ /^```sql$/mg;
is(scalar @all, scalar @expected, 'and no other code is there');

my $server = PolicyTest->start('examples', conf => ['max_connections = 23']);
my $admin = $server->{admin};
$admin->query('CREATE TABLE orders (id integer); INSERT INTO orders VALUES (42)');
$admin->query("CREATE ROLE $_ LOGIN") for qw(app reporting nightly);
$admin->query('GRANT ALL ON orders TO app');

# Puts an example into force in place of all policies, or beside them.
sub run_example
{
	my ($name, %option) = @_;
	my $ages = join ', ', map { "$_ = $_ / 600" } qw(idle_for unused_for statement_for grace);
	# In one transaction, so that it is never in force with the long times.
	$admin->query(join ' ', 'BEGIN;', ($option{keep} ? () : 'DELETE FROM leash.policies;'),
		$block{"example $name"}, ($option{keep} ? () : "UPDATE leash.policies SET $ages;"), 'COMMIT;');
	$server->rounds_pass;
	return;
}

sub client
{
	my ($name, @queries) = @_;
	return $server->victim(application => $name, user => 'app', queries => [@queries]);
}

subtest 'blocking' => sub {
	run_example('blocking');
	my $culprit = client('checkout', 'BEGIN', 'UPDATE orders SET id = id WHERE id = 42');
	my $idle = client('other', 'BEGIN', 'SELECT 1');
	my $waiting = client('billing');
	$waiting->send_query('UPDATE orders SET id = id WHERE id = 42');
	is($server->until_journal($culprit, 'blocking', "policy"), 'blocking', 'the one that blocks');
	is($server->until_journal($idle, 'left open', "policy"), 'left open', 'the one that does not, later');
	like($server->value($block{'query would'}), qr/\|checkout\|1\|/, 'the query shows whom they would end');
	ok($server->lives($culprit) && $server->lives($idle), 'they only observed');
	run_example('enforce', keep => 1);
	is($server->until_journal($culprit, 'would,ended'), 'would,ended', 'enforced, the one that blocks is ended');
	is($server->until_journal($idle, 'would,ended'), 'would,ended', 'and the other');
	like($culprit->last_words->{D}, qr/by policy "blocking".*idle in transaction.*UPDATE orders SET id = id WHERE id = 42/, 'the client is told');
	$waiting->wait_ready;
	ok(!$waiting->{error}, 'who waited goes on');
	$waiting->quit;
};

subtest 'grace' => sub {
	run_example('grace');
	my $listener = $server->session(user => 'app');
	$listener->query('LISTEN pg_leash');
	my $victim = client('checkout-eu', 'BEGIN', 'SELECT 1');
	my $other = client('catalog', 'BEGIN', 'SELECT 1');
	is($server->until_journal($victim, 'notified,ended'), 'notified,ended', 'first a word, then the end');
	$server->until_at_rest($listener);
	$listener->query('SELECT 1');
	like($listener->{notified}[0], qr/"policy": ?"warn first"/, 'whoever listens was told');
	ok($server->lives($other), 'another application is not touched');
	$_->quit for $other, $listener;
};

subtest 'pressure' => sub {
	my @pool = map { client('pool', 'SELECT 1') } 1 .. 12;
	run_example('pressure');
	$server->rounds_pass;
	is($server->value("SELECT count(*) FROM leash.sessions WHERE application_name = 'pool'"), '12', 'below the mark nothing happens');
	my @late = map { client('late', 'BEGIN') } 1 .. 6;    # 19 of 20
	is($server->until("SELECT used FROM leash.connections", '14'), '14', 'down to 70 %');
	$server->rounds_pass;
	is($server->value("SELECT count(*) FROM leash.sessions WHERE application_name = 'pool'"), '7', 'no further');
	is($server->value("SELECT count(*) FROM leash.sessions WHERE application_name = 'late'"), '6', 'idle sessions alone');
	$_->quit for @late;
	$server->no_policies;
	$_->quit for grep { $server->lives($_) } @pool;
};

subtest 'runaway' => sub {
	run_example('runaway');
	my $report = $server->victim(user => 'reporting', application => 'report');
	$report->send_query('SELECT pg_sleep(3600)');
	my $other = client('import');
	$other->send_query('SELECT pg_sleep(3600)');
	is($server->until_journal($report, 'cancelled'), 'cancelled', 'the statement is cancelled');
	$report->wait_ready;
	is($report->{error}{C}, '57014', 'as by a cancel');
	$report->query('SELECT 1');
	ok(!$report->{error}, 'the session lives');
	ok($server->lives($other), 'another role is not touched');
	$admin->query("SELECT pg_cancel_backend($other->{pid})");
	$other->wait_ready;
	$_->quit for $report, $other;
};

subtest 'spare and lease' => sub {
	run_example('spare');
	$admin->query($block{'example lease'});
	my $dump = client('pg_dump', 'BEGIN', 'SELECT 1');
	my $leased = $server->victim(user => 'nightly', application => 'nightly');
	$leased->query($block{'session nightly'});
	$leased->query($_) for 'BEGIN', 'SELECT 1';
	my $victim = client('shop', 'BEGIN', 'SELECT 1');
	is($server->until_journal($victim, 'ended'), 'ended', 'everybody else is ended');
	ok($server->lives($dump), 'a backup is left alone');
	ok($server->lives($leased), 'and who holds a lease');
	is($server->terminate($leased, force => 1), 'exempt: lease', 'even from force');
	like($server->of($leased, 'exempt'), qr/^lease until .*: nightly export$/, 'which everybody sees');
	$leased->query('ROLLBACK');
	$_->quit for $dump, $leased;
};

done_testing();
