/* bootmend-agent(1). */

#include "agent.h"

int
main (int argc, char **argv)
{
  static const struct agent_backend backend = {batch_run, kvm_is_broken};

  return agent_main (argc, argv, &backend);
}
