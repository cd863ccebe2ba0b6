/* bootmend-agent(1). */

#include "agent.h"

#include <disk-ops/appliance-cache.h>
#include <disk-ops/parse.h>

static int
prepare (bool force_tcg, char **note, struct err **err)
{
  return appliance_prepare (appliance_mode_default (), force_tcg, note, err);
}

int
main (int argc, char **argv)
{
  static const struct agent_backend backend = {batch_run, kvm_is_broken,
                                               prepare};

  if (parse_is_child (argc, argv))
    parse_child_main (disk_parsers, argc, argv);
  return agent_main (argc, argv, &backend);
}
