"""What do exported files of another system say of how leads are handled?"""
