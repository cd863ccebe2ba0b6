/* The VMs that a command line names, also by files.
 *
 *   aws:@ids.txt            the words of a file, as if they stood here
 *   aws:region=R,@-,!i-0b   ... of the standard input
 *   @fleet.txt              a whole selector in each line
 *
 * In a file, words stand in lines of their own, or with tabs or commas between
 * them; what follows a # at the beginning of a line is no word.  So the output
 * of `aws ec2 describe-instances --query ... --output text` is one. */

#ifndef BOOTMEND_SELECTION_H
#define BOOTMEND_SELECTION_H

#include <base/json.h>
#include <base/vec.h>

/* The selectors as an array of texts; NULL: a file can't be read (ERR_NOT_FOUND
 * and the like), or names no VM (ERR_INPUT). */
json_t *selection_read (const struct str_vec *args, struct err **err) ATTR_USE;

#endif
