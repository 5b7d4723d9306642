# A client that speaks PostgreSQL's protocol itself, as no libpq would: it can stop
# in the middle of the login, leave a result unread, send bytes of any kind, and it
# sees each field of an error.  Authentication is trust only.
package LeashClient;

use strict;
use warnings;

use IO::Select;
use IO::Socket::IP;
use IO::Socket::UNIX;
use PostgreSQL::Test::Utils;
use Time::HiRes qw(time);

# Options: user, dbname, host (TCP, else the Unix socket), socket (one that is connected
# already), params (a hash of
# further settings in the startup packet), login (0: send the startup packet, and
# read no answer).  A login that fails leaves the error in {error}.
sub new
{
	my ($class, $node, %option) = @_;
	my $socket =
	    $option{socket} ? $option{socket}
	  : $option{host}   ? IO::Socket::IP->new(PeerHost => $option{host}, PeerPort => $node->port)
	  : IO::Socket::UNIX->new(Peer => $node->host . '/.s.PGSQL.' . $node->port);
	die 'cannot connect to ' . $node->name . ": $!" unless $socket;
	binmode $socket;
	my $self = bless { socket => $socket, buffer => '', error => undef, pid => undef }, $class;
	my %param = (
		user => $option{user} // 'postgres',
		database => $option{dbname} // 'postgres',
		%{ $option{params} // {} });
	my $body = pack('N', 196608) . join('', map { "$_\0$param{$_}\0" } sort keys %param) . "\0";
	syswrite $socket, pack('N', length($body) + 4) . $body;
	$self->wait_ready unless defined $option{login} && !$option{login};
	return $self;
}

# ---- messages ----------------------------------------------------------------

sub send_message
{
	my ($self, $type, $body) = @_;
	local $SIG{PIPE} = 'IGNORE';
	return defined syswrite $self->{socket}, $type . pack('N', length($body) + 4) . $body;
}

# Makes at least $count bytes available; false when the server has hung up.
sub _fill
{
	my ($self, $count) = @_;
	my $until = time + $PostgreSQL::Test::Utils::timeout_default;
	while (length $self->{buffer} < $count)
	{
		my $left = $until - time;
		die 'the server sent nothing in time' if $left <= 0;
		next unless IO::Select->new($self->{socket})->can_read($left);
		my $read = sysread $self->{socket}, $self->{buffer}, 65536, length $self->{buffer};
		return 0 unless $read;
	}
	return 1;
}

# The next message as (type, body); nothing at the end of the connection.
sub read_message
{
	my ($self) = @_;
	return unless $self->_fill(5);
	my ($type, $length) = unpack 'a1 N', $self->{buffer};
	return unless $self->_fill($length + 1);
	my $body = substr $self->{buffer}, 5, $length - 4;
	substr($self->{buffer}, 0, $length + 1) = '';
	return ($type, $body);
}

# Fields of an error by their letter: S severity, C SQLSTATE, M message, D, H.
sub _fields
{
	my ($body) = @_;
	return { map { /^(.)(.*)$/s ? ($1 => $2) : () } split /\0/, $body };
}

sub _columns
{
	my ($body) = @_;
	my ($count) = unpack 'n', $body;
	my $at = 2;
	my @values;
	for (1 .. $count)
	{
		my $length = unpack 'l>', substr($body, $at, 4);
		$at += 4;
		push @values, $length < 0 ? undef : substr $body, $at, $length;
		$at += $length if $length > 0;
	}
	return \@values;
}

# Reads until the server is ready for a query, has hung up, or sends a message of
# type $stop.  Returns the rows; an error is left in {error}, NOTICEs and WARNINGs in
# {notices}, the payloads of notifications in {notified}.
sub wait_ready
{
	my ($self, $stop) = @_;
	my @rows;
	while (my ($type, $body) = $self->read_message)
	{
		push @rows, _columns($body) if $type eq 'D';
		$self->{error} = _fields($body) if $type eq 'E';
		push @{ $self->{notices} }, _fields($body) if $type eq 'N';
		push @{ $self->{notified} }, (split /\0/, substr($body, 4), -1)[1] if $type eq 'A';
		$self->{pid} = unpack 'N', $body if $type eq 'K';
		return \@rows if $type eq 'Z' || $type eq ($stop // '');
	}
	$self->{closed} = 1;
	return \@rows;
}

# ---- queries -------------------------------------------------------------------

# Sends a query and does not wait for anything.
sub send_query
{
	my ($self, $sql) = @_;
	return $self->send_message('Q', "$sql\0");
}

# Sends queries in one write, so that it does not wait for a server that has
# stopped to read since nobody reads what it answers.
sub send_queries
{
	my ($self, @sql) = @_;
	return syswrite $self->{socket}, join '', map { 'Q' . pack('N', length($_) + 5) . "$_\0" } @sql;
}

# Runs a query; returns its rows, the error is in {error}.
sub try
{
	my ($self, $sql, $stop) = @_;
	$self->{error} = undef;
	$self->{notices} = [];
	$self->send_query($sql);
	return $self->wait_ready($stop);
}

# Runs a query that must not fail; returns its rows.
sub query
{
	my ($self, $sql, $stop) = @_;
	my $rows = $self->try($sql, $stop);
	die "query failed: $self->{error}{C} $self->{error}{M}\n$sql" if $self->{error};
	die "the connection was lost\n$sql" if $self->{closed};
	return $rows;
}

# The only value, or the only row joined by '|' as psql -At prints it.
sub value
{
	my ($self, $sql) = @_;
	my $rows = $self->query($sql);
	return join "\n", map { join '|', map { $_ // '' } @$_ } @$rows;
}

# The messages of the NOTICEs and WARNINGs of the last query, one a line.
sub notices
{
	my ($self) = @_;
	return join "\n", map { $_->{M} } @{ $self->{notices} };
}

# The SQLSTATE that a query fails with; '' when it does not.
sub sqlstate
{
	my ($self, $sql) = @_;
	$self->try($sql);
	return $self->{error} ? $self->{error}{C} : '';
}

# What the server said last before it hung up; waits for that.
sub last_words
{
	my ($self) = @_;
	$self->{error} = undef;
	$self->wait_ready until $self->{closed};
	return $self->{error} // {};
}

# Whether the session still answers.
sub alive
{
	my ($self) = @_;
	return !$self->{closed} && eval { $self->value('SELECT 42') eq '42' } // 0;
}

# The server sees the end of the connection, with a good-bye or without.
sub quit
{
	my ($self) = @_;
	$self->send_message('X', '') unless $self->{closed};
	$self->hang_up;
	return;
}

sub hang_up
{
	my ($self) = @_;
	close $self->{socket};
	$self->{closed} = 1;
	return;
}

1;
