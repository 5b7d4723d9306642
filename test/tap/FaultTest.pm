# What the tests of faults share: processes that are held at an exact step and killed
# there, and what must be true of the server afterwards, whatever was done to it.
package FaultTest;

use strict;
use warnings;

use parent -norequire, 'PolicyTest';
use PolicyTest;
use PostgreSQL::Test::Utils;
use Test::More;

use constant STOP_KEY => 1818322280;
use constant SLOTS => 8;

# A policy that ends victims, one row in a table, one decision that was saved: what a
# fault must not cost.
sub start
{
	my ($class, $name, %option) = @_;
	my @conf = (
		'max_connections = ' . SLOTS, 'superuser_reserved_connections = 0', 'restart_after_crash = on',
		'autovacuum = off', @{ delete $option{conf} // [] });
	my $self = $class->SUPER::start($name, conf => \@conf, %option);
	$self->{admin}->query('CREATE TABLE things (id integer); INSERT INTO things VALUES (0)');
	$self->policy('ends victims', idle_for => q('300ms'), action => q('terminate'));
	my $saved = $self->victim(queries => ['BEGIN']);
	$self->until_journal($saved, 'ended');
	$self->node->restart;
	$self->connect_admin;
	$self->{saved} = $saved->{session_id};
	return $self;
}

sub set
{
	my ($self, %setting) = @_;
	$self->{admin}->query("ALTER SYSTEM SET $_ = '$setting{$_}'") for sort keys %setting;
	$self->{admin}->query('SELECT pg_reload_conf()');
	return;
}

# From here on whoever comes to his step waits there.
sub bar
{
	my ($self) = @_;
	$self->{controller} = $self->session(params => { application_name => 'controller' });
	$self->{controller}->query('SELECT pg_advisory_lock(' . STOP_KEY . ')');
	return;
}

# They go on.
sub unbar
{
	my ($self) = @_;
	(delete $self->{controller})->quit;
	return;
}

sub until_held
{
	my ($self, $pid, $step) = @_;
	my $held = $self->until(
		"SELECT count(*) FROM pg_locks WHERE pid = $pid AND locktype = 'advisory' AND objid = " . STOP_KEY . ' AND NOT granted', '1');
	return $held eq '1' || die "nobody is at \"$step\"";
}

# A session is left at $step of what it is asked to do.
sub hold
{
	my ($self, $step, $session, $do) = @_;
	$self->bar;
	$session->query("SET pg_leash.debug_stop_at = '$step'");
	ref $do ? $do->($session) : $session->send_query($do);
	return $self->until_held($session->{pid}, $step);
}

# The worker is left at $step; returns its process id.
sub hold_worker
{
	my ($self, $step) = @_;
	$self->bar;
	my $pid = $self->value('SELECT pid FROM leash.worker');
	$self->set('pg_leash.debug_stop_at' => $step);
	$self->until_held($pid, $step);
	# Whoever comes next finds the way free.
	$self->{admin}->query('ALTER SYSTEM RESET pg_leash.debug_stop_at');
	return $pid;
}

# Kills a process, and waits until the server has recovered from that.
sub crash
{
	my ($self, $pid, $what) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my $before = $self->value('SELECT pg_postmaster_start_time()');
	is(kill('KILL', $pid), 1, "$what: it is there to be killed");
	delete $self->{controller};  # not before: who is held would go on, and might be gone
	$self->{admin}->last_words;
	$self->connect_admin;
	is($self->value('SELECT pg_postmaster_start_time()'), $before, "$what: the server is still the same one");
	return;
}

# Nothing was lost but what was not saved; no claim, no slot and no process is left over.
sub is_sound
{
	my ($self, $when) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	is($self->value('SELECT string_agg(id::text, \',\') FROM things'), '0', "$when: what was committed is there, and no more");
	is($self->until($PolicyTest::in_force, 'ends victims'), 'ends victims', "$when: policies are in force");
	is($self->value("SELECT string_agg(outcome, ',') FROM leash.reap_log WHERE session_id = '$self->{saved}'"),
		'ended', "$when: what was saved is there, once");
	$self->all_slots_work($when);
	is($self->value('SELECT count(*) FROM leash.reap_log WHERE outcome = \'still exiting\''), '0', "$when: no row waits for an end");
	$self->worker_goes_on($when);
	return;
}

sub worker_goes_on
{
	my ($self, $when) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	$self->until('SELECT running FROM leash.worker');
	my ($rounds, $samples) = split /\|/, $self->value('SELECT rounds, samples FROM leash.worker');
	is($self->until("SELECT rounds > $rounds AND samples > $samples AND errors = 0 FROM leash.worker"), 't',
		"$when: the worker samples and judges, without an error");
	return;
}

# Every slot can be taken, is seen and can be given back, by hand and by policy.
sub all_slots_work
{
	my ($self, $when) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	$self->until('SELECT used FROM leash.connections', '1');
	my $count = SLOTS - 1;
	my @before = $self->counts;
	# Each victim in a group of its own: the breaker would spare one that seems to come back.
	my @client = map { $self->session(params => { application_name => $_ % 2 ? 'victim ' . ++$self->{victims} : 'by hand' }) } 1 .. $count;
	is(scalar(grep { !$_->{error} } @client), $count, "$when: every slot can be taken");
	my @by_hand = @client[ grep { $_ % 2 } 0 .. $count - 1 ];
	for my $client (@by_hand)
	{
		$self->until_at_rest($client);
		$self->session_id($client);
	}
	my %outcome = map { $self->terminate($_) => 1 } @by_hand;
	is(join(',', sort keys %outcome), 'ended', "$when: each that is asked for is ended");
	is(scalar(grep { ($_->last_words->{C} // '') eq '57P01' } @client), $count, "$when: the others by their policy, all are told");
	is($self->until('SELECT used, free FROM leash.connections', '1|' . $count), "1|$count", "$when: their slots are free");
	$self->until('SELECT count(*) FROM leash.reap_log WHERE outcome = \'still exiting\'', '0');
	my @after = $self->counts;
	is($after[0] - $before[0], $count, "$when: so many were opened");
	is($after[1] - $before[1], $count, "$when: and ended");
	return;
}

# How many sessions were opened, how many ended, as they are counted.
sub counts
{
	my ($self) = @_;
	return split /\|/, $self->value('SELECT opened_total, (SELECT sum(ended) FROM leash.applications) FROM leash.connections');
}

# The counter of those who are there, which nothing shows but the peak that begins with it.
sub nobody_is_left
{
	my ($self) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	$self->until('SELECT used FROM leash.connections', '1');
	$self->{admin}->query("SELECT leash.reset('connections')");
	return is($self->value('SELECT peak_used FROM leash.connections'), '1', 'nobody is counted who has gone');
}

# At the end of a test.
sub log_is_clean
{
	my ($self) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return unlike(slurp_file($self->node->logfile), qr/PANIC|TRAP|signal 11|signal 6/, 'nothing in the log that must not be there');
}

1;
