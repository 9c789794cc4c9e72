// Cairn in one import: stores and transactions, objects, tables, disks and maps, and the memories that a store lives on.

@_exported public import CairnBlocks
@_exported public import CairnBytes
@_exported public import CairnDisks
@_exported public import CairnMaps
@_exported public import CairnMemory
@_exported public import CairnObjects
@_exported public import CairnTables
@_exported public import CairnVolumes
