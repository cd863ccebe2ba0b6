/* Does KVM work here?  /dev/kvm can exist, open, and still be useless: QEMU
 * aborts when it sets up a processor.  That is found out once and remembered.
 */

#ifndef BOOTMEND_KVM_H
#define BOOTMEND_KVM_H

/* Notes beside the scratch folder that this machine, as it is booted now, has
 * no usable KVM. */
void kvm_remember_broken (const char *scratch);

#endif
