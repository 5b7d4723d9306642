# A program of test/clients that runs: .mjs by Node.js, .py by the distribution's
# Python, .java by Java's launcher of single files, anything else by itself.
package ClientProgram;

use strict;
use warnings;

use IO::Select;
use PostgreSQL::Test::Utils;
use Time::HiRes qw(time);

my @jars = map { "/usr/share/java/$_.jar" } qw(HikariCP postgresql slf4j-api slf4j-nop);

sub _command
{
	my ($file) = @_;
	my $project = $ENV{PROJECT};
	return ("$project/build/clients/runtime/node", "$project/build/clients/node/$file") if $file =~ /\.mjs$/;
	return ('/usr/bin/python3', '-u', "$project/test/clients/python/$file") if $file =~ /\.py$/;
	# one core is enough for it, and it starts sooner
	return ('/usr/bin/java', '-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-Xshare:auto', '-cp', join(':', @jars), "$project/test/clients/java/$file")
	  if $file =~ /\.java$/;
	return ($file);
}

# Options: args, env, around (a command that runs the program, in front of it).
sub new
{
	my ($class, $file, %option) = @_;
	my @command = (@{ $option{around} // [] }, _command($file), @{ $option{args} // [] });
	my $self = bless { file => $file, buffer => '', said => [] }, $class;
	$self->{errors} = "$PostgreSQL::Test::Utils::tmp_check/" . $file =~ tr{/}{_}r . '.' . ++$ClientProgram::count . '.err';
	pipe my $in, $self->{in} or die "pipe: $!";
	pipe $self->{out}, my $out or die "pipe: $!";
	$self->{in}->autoflush(1);
	my $pid = fork // die "cannot fork: $!";
	if (!$pid)
	{
		open STDIN, '<&', $in;
		open STDOUT, '>&', $out;
		open STDERR, '>', $self->{errors};
		%ENV = (%ENV, %{ $option{env} // {} });
		{ exec @command };
		print STDERR "cannot run $command[0]: $!; script/clients says what is missing\n";
		kill 'KILL', $$;
	}
	$self->{pid} = $pid;
	return $self;
}

# Waits for a line that matches; returns what the pattern captured.
sub says
{
	my ($self, $pattern) = @_;
	my $until = time + $PostgreSQL::Test::Utils::timeout_default;
	while (1)
	{
		while ($self->{buffer} =~ s/^(.*)\n//)
		{
			my $line = $1;
			push @{ $self->{said} }, $line;
			my @found = $line =~ $pattern;
			return wantarray ? @found : $found[0] if @found;
		}
		my $left = $until - time;
		$self->_complain("did not say $pattern in time") if $left <= 0;
		next unless IO::Select->new($self->{out})->can_read($left);
		sysread $self->{out}, $self->{buffer}, 65536, length $self->{buffer}
		  or $self->_complain("ended, and did not say $pattern");
	}
}

sub _complain
{
	my ($self, $what) = @_;
	die "$self->{file} $what\nit said: ", join("\n", @{ $self->{said} }), "\nerrors: ", $self->errors, "\n";
}

# What it has written to its standard error.
sub errors
{
	my ($self) = @_;
	return -s $self->{errors} ? PostgreSQL::Test::Utils::slurp_file($self->{errors}) : '';
}

sub tell
{
	my ($self, $line) = @_;
	local $SIG{PIPE} = 'IGNORE';
	return print { $self->{in} } "$line\n";
}

# Lets it end by itself; returns its exit status.
sub finish
{
	my ($self) = @_;
	close $self->{in};
	eval { $self->says(qr/never said/) };
	if ($@ =~ / in time$/m)
	{
		my $complaint = $@;
		$self->kill9;
		die $complaint;
	}
	return $self->_reap;
}

sub kill9
{
	my ($self) = @_;
	kill 'KILL', $self->{pid};
	return $self->_reap;
}

sub _reap
{
	my ($self) = @_;
	my $pid = delete $self->{pid} // return;
	waitpid $pid, 0;
	return $? >> 8;
}

sub DESTROY
{
	my ($self) = @_;
	local ($?, $@);
	$self->kill9 if $self->{pid};
	return;
}

1;
