/* What a program that opens hostile disks does to itself first. */

#ifndef BOOTMEND_HARDEN_H
#define BOOTMEND_HARDEN_H

/* No core dumps, umask 077, a known PATH and locale, and of the environment
 * only what is listed in harden.c: LIBGUESTFS_HV or a preloaded library of a
 * user's session has no place in a repair. */
void harden_process (void);

/* Moves what is on stdout to a descriptor of its own (returned) and lets
 * stdout be stderr, so that a library's printf can't garble the protocol. */
int stdout_set_aside (void);

#endif
