/* Reads the serial logs of VMs that a selection names, and nothing else: no
 * journal, no change. */

#ifndef BOOTMEND_CAMPAIGN_CONSOLES_H
#define BOOTMEND_CAMPAIGN_CONSOLES_H

#include "campaign.h"

struct console_hooks {
  /* What one VM's log says (as the provider gives it, printable or not), or why
   * it could not be read; each VM once, in any order. */
  void (*console) (void *opaque, const struct job *job, const char *text,
                   const struct err *err);
  /* True: no more are begun.  May be NULL. */
  bool (*stopped) (void *opaque);
  void *opaque;
};

/* ERR_STOPPED: not all of them were read. */
int campaign_consoles (struct campaign *campaign,
                       const struct console_hooks *hooks,
                       struct err **err) ATTR_USE;

#endif
