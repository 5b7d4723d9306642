# Runs psql and pgleash in turns, and prints what each took: status_runs.pl PAIRS LOG PSQL PGLEASH
#
# What the server took is the sum of the durations that it logged of the program's session.
use strict;
use warnings;

use Time::HiRes qw(time);

my ($pairs, $log, $psql, $pgleash) = @ARGV;
$ENV{PGLEASH_CONFIG} = '';
my @programs = (
	{ name => "psql -c 'SELECT 1'", mark => 'psql', command => [ $psql, '-Xc', 'SELECT 1' ] },
	{ name => 'pgleash status', mark => 'pgleash', command => [ $pgleash, 'status' ] });

# Milliseconds until it writes something; it is run to its end.
sub run
{
	my ($program) = @_;
	my $begun = time;
	open my $out, '-|', @{ $program->{command} } or die "$program->{name}: $!\n";
	sysread $out, my $first, 1 or die "$program->{name} wrote nothing\n";
	my $took = 1000 * (time - $begun);
	1 while sysread $out, my $rest, 65536;
	close $out or die "$program->{name} has failed\n";
	return $took;
}

# Milliseconds that the server logged for a program since the last look.
open my $lines, '<', $log or die "$log: $!\n";

sub logged
{
	my ($program) = @_;
	my $sum = 0;
	while (my $line = <$lines>)
	{
		$sum += $1 if $line =~ /^\[\Q$program->{mark}\E\] LOG:  duration: ([0-9.]+) ms/;
	}
	seek $lines, 0, 1;
	return $sum;
}

sub median
{
	my @sorted = sort { $a <=> $b } @_;
	return $sorted[ @sorted / 2 ];
}

printf "%-24s %10s %12s %12s\n", 'ms', 'in all', 'statements', 'the rest';
for my $pair (0 .. $pairs)
{
	for my $program ($pair % 2 ? reverse @programs : @programs)
	{
		logged($program);
		my $took = run($program);
		next if $pair == 0;    # from here on it is all in memory
		push @{ $program->{all} }, $took;
		push @{ $program->{server} }, logged($program);
		push @{ $program->{rest} }, $took - $program->{server}[-1];
	}
}
printf "%-24s %10.1f %12.1f %12.1f\n", $_->{name}, map { median(@$_) } @$_{qw(all server rest)} for @programs;
