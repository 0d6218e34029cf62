"""Do the heat maps point at fractures, and do they show what the network uses?"""
