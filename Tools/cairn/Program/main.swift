import CairnTool

CairnProgram.main()
