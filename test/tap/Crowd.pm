# Many clients at once, in processes of their own: they connect, work a little and leave in
# all ways there are, and tell at the end what became of them.
package Crowd;

use strict;
use warnings;

use JSON::PP;
use LeashClient;
use Time::HiRes qw(usleep);

# Crowd->start(NODE, clients => N, work => sub { my ($number, $counts) = @_; ... }): each
# process calls `work` until it returns false, and counts what it wants to.
sub start
{
	my ($class, $node, %option) = @_;
	my $self = bless { children => [] }, $class;
	for my $number (1 .. $option{clients})
	{
		pipe my $read, my $write or die "pipe: $!";
		my $pid = fork // die "fork: $!";
		if (!$pid)
		{
			my %counts;
			my $alive = eval { 1 while $option{work}->($number, \%counts); 1 };
			$counts{died} = $@ unless $alive;
			syswrite $write, encode_json(\%counts);
			close $write;
			# No destructor of the test's own is to run here.
			kill 'KILL', $$;
		}
		push @{ $self->{children} }, { pid => $pid, read => $read };
	}
	return $self;
}

# Waits for all of them; the sums of what they counted.
sub finish
{
	my ($self) = @_;
	my %sum;
	for my $child (@{ $self->{children} })
	{
		local $/;
		my $read = $child->{read};
		my $counts = decode_json(<$read> || '{"died":"without a word"}');
		waitpid $child->{pid}, 0;
		for my $name (keys %$counts)
		{
			if ($name eq 'died') { $sum{died} .= $counts->{died} }
			else { $sum{$name} += $counts->{$name} }
		}
	}
	$? = 0;
	return \%sum;
}

1;
