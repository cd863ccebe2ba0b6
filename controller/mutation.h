/* Mutations: the controller broken on purpose, to show that the simulation
 * would notice.  Only in builds with BOOTMEND_FAULTS, only if the environment
 * names one:
 *
 *   skip-commit   says that it committed, and did not
 *   blind-resume  acts after a restart on what the journal says of the VM
 *   forget-undo   does not note what has to be taken back
 *   ignore-power  hands out a disk without regard to the VM's power
 *   stale-look    takes any describe, however old, for the present
 *   forget-late   does not wait for requests that were given up
 *   forget-audit  does not enter how a job ended into the audit chain
 *   early-look    goes on by a look that may be from before the effect
 *   wrong-disk    repairs the VM's own disk where it has a copy
 *   swap-clean    swaps a copy in that had nothing to repair
 *   forget-created  does not note what may have been made before its request
 *   no-settle     trusts a describe that may be older than our own request
 *   ignore-budget  begins VMs although too many have failed
 *   ignore-group   takes members of a group down together
 *   start-early    begins a wave before the one before is proven
 *   skip-approval  does not wait for a person's word
 *   no-recheck     does not look again before it stops a VM
 *   ignore-mark    takes no notice of another campaign's mark
 *   ignore-lease   goes on with a VM that another campaign has taken over
 *   overtake-lease takes a mark away while it is being written anew
 *   wall-lease     judges another's mark by its own clock on the wall
 *   never-drain    goes on with VMs that a halt should put back
 *
 * Of disks that travel; tests/simulation/clouds/mutations.sh:
 *
 *     hasty-detach      detaches before the VM is seen to be stopped
 *     hasty-attach      gives a disk back before it is seen to have left
 *     hasty-start       starts before the disk is seen to be attached
 *     forget-attributes does not put back what an attach resets
 *     blind-snapshot    takes another snapshot without looking for the first
 *     keep-mark         takes a mark for gone that is still there
 */

#ifndef BOOTMEND_MUTATION_H
#define BOOTMEND_MUTATION_H

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static inline bool
mutated (const char *name)
{
#ifdef BOOTMEND_FAULTS
  const char *asked = getenv ("BOOTMEND_MUTATE");

  return asked && strcmp (asked, name) == 0;
#else
  (void)name;
  return false;
#endif
}

#endif
