# Who may be beside leaked sessions and must not be touched: real programs, and clients
# that go on working while the test does something else.
package BystanderTest;

use strict;
use warnings;

use parent -norequire, 'PolicyTest';
use PolicyTest;
use IO::Select;
use IPC::Run;
use LeashClient;
use POSIX ();
use Test::More;
use Time::HiRes qw(time);

use constant POOL_GAP => 1;
use constant CURSOR_GAP => 0.3;

# Starts one of PostgreSQL's programs against the server.
sub start_program
{
	my ($self, $name, @arguments) = @_;
	my ($out, $err) = ('', '');
	local $ENV{PGAPPNAME} = $name;
	my @command = ($name, '-h', $self->node->host, '-p', $self->node->port, @arguments);
	my $run = IPC::Run::start(\@command, '<', \undef, '>', \$out, '2>', \$err);
	my $program = { name => $name, run => $run, err => \$err };
	push @{ $self->{programs} }, $program;
	return $program;
}

# Waits for one that ends by itself; returns what it complained about.
sub finish_program
{
	my ($self, $program) = @_;
	$self->{programs} = [ grep { $_ != $program } @{ $self->{programs} } ];
	my $ok = $program->{run}->finish;
	return $ok ? ${ $program->{err} } : "$program->{name} failed: ${$program->{err}}";
}

# What a program complained about before it was stopped.
sub stop_programs
{
	my ($self) = @_;
	my @complaints;
	for my $program (@{ $self->{programs} // [] })
	{
		my $run = $program->{run};
		# What it has said, and the end of either pipe, are read one after the other.
		for (1 .. 5) { $run->pump_nb if $run->pumpable }
		push @complaints, "$program->{name} ended: ${$program->{err}}" unless $run->pumpable;
		$run->kill_kill(grace => 5);
	}
	return join "\n", @complaints;
}

# A pool of three, a reader of a cursor, one of a long result and a sender of one, in a
# process of their own.  They measure
# their gaps themselves: on a machine that stands still these may be longer than meant,
# and then a policy is right.
sub start_clients
{
	my ($self) = @_;
	pipe my $from_child, my $to_parent or die $!;
	pipe my $from_parent, my $to_child or die $!;
	my $pid = fork // die $!;
	if ($pid == 0)
	{
		close $_ for $from_child, $to_child;
		eval { _work($self->node, $to_parent, $from_parent); 1 } or syswrite $to_parent, "died: $@";
		POSIX::_exit(0);
	}
	close $_ for $to_parent, $from_parent;
	$self->{clients} = { pid => $pid, said => $from_child, stop => $to_child };
	my $ready = readline $from_child;
	die "clients: $ready" if $ready ne "ready\n";
	return;
}

# Stops them; returns what they noticed, one line for each session that was cut, with the
# gap that it had made, and one with the number of answers that they got.
sub stop_clients
{
	my ($self) = @_;
	my $clients = $self->{clients};
	close $clients->{stop};
	my @lines = readline $clients->{said};
	waitpid $clients->{pid}, 0;
	chomp @lines;
	return @lines;
}

my %kind = (
	pool => { gap => POOL_GAP, use => sub { $_[0]->query('SELECT count(*) FROM news') } },
	cursor => {
		gap => CURSOR_GAP,
		open => sub { $_[0]->query($_) for 'BEGIN', 'DECLARE c CURSOR FOR SELECT generate_series(1, 1000000)' },
		use => sub { $_[0]->query('FETCH c') } },
	# The server always has more to send than the client takes.
	reader => {
		gap => CURSOR_GAP,
		open => sub { $_[0]->send_query(q{COPY (SELECT repeat('x', 1000) FROM generate_series(1, 1000000)) TO STDOUT}) },
		use => sub { sysread $_[0]->{socket}, my $read, 1_000_000 or die 'no more' } },
	sender => {
		gap => POOL_GAP,
		open => sub { $_[0]->query('COPY sent FROM STDIN', 'G') },
		use => sub { $_[0]->send_message('d', "1\n") or die 'no more' } });

sub _open
{
	my ($node, $name) = @_;
	my $session = LeashClient->new($node, user => 'app', params => { application_name => $name });
	my $open = $kind{$name}{open};
	$open->($session) if $open;
	return { name => $name, session => $session, at => time };
}

# Once more; returns the gap before it when the session turns out to have been cut.
sub _use
{
	my ($client) = @_;
	my $gap = time - $client->{at};
	my $answered = eval { $kind{ $client->{name} }{use}->($client->{session}); 1 };
	$client->{at} = time;
	return $answered ? undef : $gap;
}

sub _due
{
	my ($client) = @_;
	return $client->{at} + $kind{ $client->{name} }{gap};
}

sub _work
{
	my ($node, $out, $in) = @_;
	my @clients = map { _open($node, $_) } ('cursor', 'reader', 'sender', ('pool') x 3);
	my $stop = IO::Select->new($in);
	my $answers = 0;
	syswrite $out, "ready\n";
	for (;;)
	{
		@clients = sort { _due($a) <=> _due($b) } @clients;
		my $wait = _due($clients[0]) - time;
		last if $stop->can_read($wait > 0 ? $wait : 0);
		my $gap = _use($clients[0]);
		if (defined $gap)
		{
			syswrite $out, sprintf "%s was cut after a gap of %.3f s\n", $clients[0]{name}, $gap;
			$clients[0] = _open($node, $clients[0]{name});
		}
		$answers++;
	}
	syswrite $out, "$answers answers\n";
	return;
}

1;
