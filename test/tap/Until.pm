# Waits for what has no end of its own to wait for.
package Until;

use strict;
use warnings;

use Exporter 'import';
use PostgreSQL::Test::Utils;
use Time::HiRes qw(time usleep);

our @EXPORT = qw(until_true);

# Calls a function until it returns something true, which is returned; 0 when the time of a
# test is over.
sub until_true
{
	my ($test) = @_;
	my $until = time + $PostgreSQL::Test::Utils::timeout_default;
	while (time < $until)
	{
		my $result = $test->();
		return $result if $result;
		usleep 10_000;
	}
	return 0;
}

1;
