# Builds, installs and checks the server extension with PGXS, for any PG_CONFIG:
#     make && make install && make installcheck
# installcheck needs a running server with shared_preload_libraries = 'pg_leash'.

EXTENSION = extension/pg_leash
DATA = extension/pg_leash--1.0.sql extension/pg_leash--1.0--1.1.sql
MODULE_big = pg_leash

# What every statement runs comes first: the linker lays out the table of what a library
# finds in the server in this order, and so a statement touches few lines of it.
HOT_OBJS = extension/server/executor_hooks.o extension/server/transaction.o
OBJS = $(HOT_OBJS) $(filter-out $(HOT_OBJS),$(patsubst %.cpp,%.o,$(sort \
	$(wildcard extension/core/*.cpp extension/server/*.cpp))))

REGRESS = $(patsubst sql/%.sql,%,$(sort $(wildcard sql/*.sql)))
ISOLATION = $(patsubst test/isolation/specs/%.spec,%,$(sort $(wildcard test/isolation/specs/*.spec)))
ISOLATION_OPTS = --inputdir=test/isolation
PROVE_TESTS = $(sort $(wildcard test/tap/*.pl))

PG_CONFIG ?= pg_config
PGXS := $(shell $(PG_CONFIG) --pgxs)

# JIT cannot inline hooks to any profit, and its compiler does not get our flags.
override with_llvm = no

# PostgreSQL's headers are not ours to warn about, hence -isystem before PGXS's -I.
PG_CPPFLAGS = -isystem $(shell $(PG_CONFIG) --includedir-server) -I$(srcdir)/extension
PG_CXXFLAGS = -std=c++20 -fno-exceptions -fno-rtti -fno-plt -Wall -Wextra \
	-fvisibility=hidden -fvisibility-inlines-hidden \
	-DPGDLLEXPORT="__attribute__((visibility(\"default\")))" -MMD -MP
# Set by the scripts: a warning is an error.
PG_CXXFLAGS += $(if $(PGLEASH_WERROR),-Werror)
# PostgreSQL's own variable for more flags, which its makefiles give to C and the linker alone.
PG_CXXFLAGS += $(COPT)
# PGXS links with the C compiler, which does not add the C++ library.
SHLIB_LINK = -lstdc++

EXTRA_CLEAN = $(OBJS:.o=.d)

include $(PGXS)

-include $(OBJS:.o=.d)
