# Holds a reaper at an exact point of the claim.  A reaper with debug_stop_at set
# waits there for an advisory lock that a controller holds; what is to happen at
# that point happens while pg_locks shows it waiting.  Nothing is ordered by a sleep.
package ClaimTest;

use strict;
use warnings;

use LeashTest;
use Test::More;

use constant STOP_KEY => 1818322280;

# A server, a controller that holds reapers, and a reaper.
sub start
{
	my ($class, $name, %option) = @_;
	my $server = LeashTest->start($name, %option);
	$server->{admin}->query('CREATE TABLE item (id integer); CREATE SEQUENCE executed');
	my $self = bless { server => $server, controller => $server->session }, $class;
	$self->{reaper} = $self->reaper;
	return $self;
}

sub reaper
{
	my ($self) = @_;
	return $self->{server}->session(params => { application_name => 'reaper' });
}

sub session
{
	my ($self) = @_;
	my $session = $self->{server}->session;
	$self->{server}->session_id($session);
	return $session;
}

# A function of the reaper's, left waiting at $point; an error if it does not get there.
sub hold
{
	my ($self, $point, $sql, $reaper) = @_;
	$reaper //= $self->{reaper};
	$self->{controller}->query('SELECT pg_advisory_lock(' . STOP_KEY . ')');
	$reaper->query("SET pg_leash.debug_stop_at = '$point'");
	$reaper->{error} = undef;
	$reaper->send_query($sql);
	$self->until_blocked($reaper, STOP_KEY) or die "no reaper at \"$point\"";
	return;
}

# leash.terminate() of a session at rest.
sub hold_terminate
{
	my ($self, $point, $victim, %option) = @_;
	$self->{server}->until_at_rest($victim) unless $option{force};
	my $force = $option{force} ? 'true' : 'false';
	$self->hold($point, "SELECT leash.terminate('$victim->{session_id}', NULL, $force)", $option{by});
	return;
}

sub hold_cancel
{
	my ($self, $point, $victim) = @_;
	$self->hold($point, "SELECT leash.cancel('$victim->{session_id}')");
	return;
}

# Lets the reaper go on.
sub release
{
	my ($self) = @_;
	$self->{controller}->query('SELECT pg_advisory_unlock(' . STOP_KEY . ')');
	return;
}

# Lets it go on and returns what it says.
sub outcome
{
	my ($self, $reaper) = @_;
	$reaper //= $self->{reaper};
	$self->release;
	return $self->answer($reaper);
}

# What a query that was sent before says.
sub answer
{
	my ($self, $session) = @_;
	my $rows = $session->wait_ready;
	return $session->{error} ? $session->{error}{C} : $rows->[0][0];
}

# Waits until a session waits for a lock, or for an advisory lock of that key.
sub until_blocked
{
	my ($self, $session, $key) = @_;
	my $which = defined $key ? "AND locktype = 'advisory' AND objid = $key" : '';
	return $self->{server}->until("SELECT EXISTS (SELECT FROM pg_locks WHERE pid = $session->{pid} AND NOT granted $which)") eq 't';
}

sub until_unblocked
{
	my ($self, $session) = @_;
	return $self->{server}->until("SELECT NOT EXISTS (SELECT FROM pg_locks WHERE pid = $session->{pid} AND NOT granted)") eq 't';
}

sub until_gone
{
	my ($self, $session) = @_;
	return $self->{server}->until("SELECT count(*) FROM pg_stat_activity WHERE pid = $session->{pid}", '0') eq '0';
}

# How many times nextval('executed') has run: it stays when a transaction is undone.
sub executed
{
	my ($self) = @_;
	return $self->{server}->value('SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM executed');
}

sub value
{
	my ($self, $sql) = @_;
	return $self->{server}->value($sql);
}

1;
